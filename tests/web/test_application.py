from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from web.conftest import ADDRESS, DOG, photo_file, until

import seetell
from seetell.results import row
from seetell.runtime.bundle import bundled_models
from seetell.search.photo_index import PhotoIndex
from seetell.tasks.captioning.predict import Captioner
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.tasks.registry import find_task
from seetell.web.application import application
from seetell.web.batching import Batcher
from seetell.web.indexed_photos import IndexedPhotos
from seetell.web.limits import Limits
from seetell.web.photo_workers import PhotoWorkers


def test_a_caption_is_the_command_lines_row(client: TestClient, captioner: Captioner):
    photo = photo_file()
    answer = client.post("/v1/caption", files={"image": ("Ämter & co.png", photo)})
    assert answer.status_code == 200
    assert answer.json() == row("Ämter & co.png", captioner.caption(photo))


def test_attention_comes_with_the_visible_box(client: TestClient, captioner: Captioner):
    photo = photo_file(size=(60, 40))
    answer = client.post("/v1/caption?attention=true", files={"image": ("photo.png", photo)}).json()
    expected = row("photo.png", captioner.caption(photo, attention=True))
    assert answer == {**expected, "size": [60, 40], "visible_box": [0, 0, 60, 40]}
    assert len(answer["words"][0]["attention"]) == 2


def test_a_model_without_attention_refuses_it(tiny_bundle: Any):
    with TestClient(application({"caption": seetell.load(tiny_bundle, threads=1)}), base_url=ADDRESS) as client:
        described = client.get("/v1/models").json()["tasks"]["caption"]
        assert (described["model"], described["result"]) == ("tiny", "text")
        flag = {"type": "boolean", "default": False}
        assert described["options"] == {"any_picture": flag, "keywords": flag}
        refused = client.post("/v1/caption?attention=true", files={"image": photo_file()})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert client.post("/v1/caption", files={"image": photo_file()}).status_code == 200


@pytest.mark.slow
@pytest.mark.skipif(not bundled_models(), reason="no model is bundled with this checkout")
def test_a_caption_below_the_least_confidence_is_withheld():
    app = application({"caption": seetell.load(threads=1)}, defaults={"caption": {"min_confidence": 1.0}})
    content = {"image": ("dog.jpg", DOG.read_bytes())}
    with TestClient(app, base_url=ADDRESS) as client:
        listed = client.get("/v1/models").json()["tasks"]["caption"]["options"]["min_confidence"]
        assert listed == {"type": "number", "default": 1.0, "minimum": 0, "maximum": 1}
        withheld = client.post("/v1/caption", files=content)
        assert (withheld.status_code, withheld.json()["caption"]) == (200, None)
        assert withheld.json()["reason"].endswith("is below 1")
        told = client.post("/v1/caption?min_confidence=0", files=content).json()
        assert told["caption"]
        assert told["confidence"] == withheld.json()["confidence"]
        assert client.post("/v1/caption?min_confidence=1.1", files=content).status_code == 422


@pytest.mark.slow
def test_an_option_has_the_default_that_the_server_gives_it(dense_captioner: DenseCaptioner):
    app = application({"regions": dense_captioner}, defaults={"regions": {"top": 1}})
    with TestClient(app, base_url=ADDRESS) as client:
        assert client.get("/v1/models").json()["tasks"]["regions"]["options"]["top"]["default"] == 1
        content = {"image": ("dog.jpg", DOG.read_bytes())}
        assert len(client.post("/v1/regions", files=content).json()["regions"]) == 1
        assert len(client.post("/v1/regions?top=2", files=content).json()["regions"]) == 2


def test_the_models_are_listed_with_their_options(client: TestClient, captioner: Captioner):
    listed = client.get("/v1/models").json()
    assert listed["search"] is True
    assert set(listed["limits"]) == {"bytes", "pixels", "text"}
    assert listed["tasks"]["caption"] == {
        "model": captioner.name,
        "title": "Captioning",
        "summary": find_task("caption").summary,
        "input": "image",
        "result": "text",
        "text_input": None,
        "written": False,
        "options": {
            "any_picture": {"type": "boolean", "default": False},
            "attention": {"type": "boolean", "default": False},
            "keywords": {"type": "boolean", "default": False},
        },
    }
    assert listed["tasks"]["regions"]["options"] == {
        "top": {"type": "integer", "default": 10, "minimum": 1, "maximum": 100},
        "threshold": {"type": "number", "minimum": 0, "maximum": 1},
    }
    assert listed["tasks"]["align"]["text_input"] == "sentence"


def test_an_alignment_is_the_command_lines_row(client: TestClient, grounder: PhraseGrounder):
    photo = photo_file((250, 0, 0))
    answer = client.post("/v1/align", files={"image": ("rose.png", photo)}, data={"sentence": "a red square"})
    assert answer.json() == row("rose.png", grounder.predict(photo, "a red square"))


@pytest.mark.slow
@pytest.mark.parametrize(("query", "top"), [("", 10), ("?top=2", 2), ("?top=100", 100)])
def test_regions_are_the_command_lines_row(client: TestClient, dense_captioner: DenseCaptioner, query: str, top: int):
    found = dense_captioner.predict(DOG, top=top)
    answer = client.post(f"/v1/regions{query}", files={"image": ("dog.jpg", DOG.read_bytes())})
    assert answer.json() == row("dog.jpg", found)
    assert answer.json()["size"] == [1024, 768]
    assert len(found) >= 2


@pytest.mark.parametrize("top", ["0", "101", "many"])
def test_an_impossible_number_of_regions_is_refused(client: TestClient, top: str):
    refused = client.post(f"/v1/regions?top={top}", files={"image": photo_file()})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


@pytest.mark.slow
def test_of_a_batch_of_photos_only_the_faulty_one_fails(dense_captioner: DenseCaptioner):
    sizes: list[int] = []
    batcher = Batcher(
        {"regions": dense_captioner.predict_prepared},
        batch_size=8,
        observe=lambda _, size, __: sizes.append(size),
        timeout=20,
    )
    with batcher._changed:  # all are queued before the first batch starts
        items = [dense_captioner.prepare(DOG.read_bytes()) for _ in range(3)]
        items[1] = {way: view[:, :8] for way, view in items[1][0].items()}, items[1][1]
        futures = [batcher.submit("regions", item, {"top": 5}) for item in items]
    with pytest.raises(Exception, match="dimensions"):
        futures[1].result(60)
    assert futures[0].result() == futures[2].result(60) == dense_captioner.predict(DOG, top=5)
    assert sizes == [1, 1]
    batcher.close()


@pytest.mark.parametrize(
    ("sentence", "code"),
    [(None, "no_text"), ("  ", "no_text"), ("red " * 126, "text_too_long"), ("qwertz", "unknown_words")],
)
def test_sentences_that_cannot_be_aligned(client: TestClient, sentence: str | None, code: str):
    data = {} if sentence is None else {"sentence": sentence}
    refused = client.post("/v1/align", files={"image": photo_file()}, data=data)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_search_tells_names_and_shows_small_copies_but_no_paths(client: TestClient):
    answer = client.get("/v1/search", params={"q": "blue", "top": 1})
    (found,) = answer.json()["photos"]
    assert {found["image"], *found["copies"]} == {"sea.png", "again.png"}
    assert "/photos" not in json.dumps({**found, "photo": ""})
    copy = client.get(found["photo"])
    assert copy.headers["content-type"] == "image/jpeg"
    assert seetell.open_photo(copy.content).getpixel((30, 20))[2] > 200


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "/v1/caption?atention=true",
            "unknown query parameter 'atention'. Did you mean 'attention'? Known: any_picture, attention, keyw",
        ),
        ("/v1/align?top=3", "unknown query parameter 'top'. Known: none"),
        ("/v1/regions?top=3&q=dog", "unknown query parameter 'q'. Known: threshold, top"),
    ],
)
def test_unknown_parameters_are_refused_by_name(client: TestClient, address: str, message: str):
    refused = client.post(
        address, files={"image": photo_file()}, data={"sentence": "red"} if "align" in address else {}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert message in refused.json()["error"]


def test_unknown_parameters_of_addresses_without_a_photo(client: TestClient):
    for address, name in (("/v1/search?q=red&limit=3", "limit"), ("/v1/models?x=1", "x"), ("/healthz?full=1", "full")):
        refused = client.get(address)
        assert refused.status_code == 422
        assert f"unknown query parameter {name!r}" in refused.json()["error"]
    assert client.get("/?source=home").status_code == 200


@pytest.mark.parametrize(("command", "known"), [("caption", "Known: image."), ("align", "Known: image, sentence.")])
def test_unknown_form_fields_are_refused_by_name(client: TestClient, command: str, known: str):
    data = {"top": "3"} if command == "caption" else {"sentence": "red", "top": "3"}
    refused = client.post(f"/v1/{command}", files={"image": photo_file()}, data=data)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    assert refused.json()["error"] == f"unknown form field 'top'. {known}"


def test_a_search_tells_what_it_left_out(client: TestClient):
    answer = client.get("/v1/search", params={"q": "a blue xyzzy beside squares", "top": 1}).json()
    assert (answer["unknown_words"], answer["read_as"]) == (["xyzzy"], {"squares": "square"})
    assert answer["photos"][0]["image"] in ("sea.png", "again.png")


def test_a_search_finds_words_that_are_written_though_the_model_does_not_know_them(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "seetell.search.photo_index.find_words",
        lambda store, query: iter({1: "Invoice 0815"}.items() if "0815" in query else ()),
    )
    answer = client.get("/v1/search", params={"q": "invoice 0815"}).json()
    assert [photo["written"] for photo in answer["photos"]] == ["Invoice 0815"]
    assert "unknown_words" not in answer
    answer = client.get("/v1/search", params={"q": "red 0815"}).json()
    assert ["written" in photo for photo in answer["photos"]] == [True, False, False]
    assert answer["unknown_words"] == ["0815"]


@pytest.mark.parametrize("query", ["xyzzy", "it is of"])
def test_a_search_for_nothing_known_is_refused(client: TestClient, query: str):
    refused = client.get("/v1/search", params={"q": query})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_words")


def test_a_damaged_index_is_told_until_it_is_mended(
    captioner: Captioner, grounder: PhraseGrounder, index: Path, tmp_path: Path
):
    damaged, embedder = shutil.copytree(index, tmp_path / "index"), grounder.embedder
    photos = IndexedPhotos(damaged, embedder)
    with TestClient(application({"caption": captioner}, photos=photos), base_url=ADDRESS) as client:

        def search() -> tuple[int, str]:
            answer = client.get("/v1/search", params={"q": "red"})
            return answer.status_code, answer.json().get("code", "found")

        for vector in ("zeroblob(7)", "x'007e'", "'text'", "x''"):
            with sqlite3.connect(damaged / "photos.db") as database:
                database.execute(f"UPDATE contents SET vector = {vector}")
            database.close()
            assert search() == (503, "no_index")
            with PhotoIndex(damaged, embedder) as mending:
                mending.update([str(tmp_path)])
            assert search() == (200, "found")
        for content in (bytes(10_000), b"", b"SQLite format 3\0"):
            (damaged / "photos.db").write_bytes(content)
            assert search() == (503, "no_index")


def test_only_photos_that_were_found_can_be_seen(client: TestClient):
    for key in ("0" * 32, "..%2f..%2fetc%2fpasswd", "rose.png", "../rose.png"):
        assert client.get(f"/v1/photos/{key}").status_code in (404, 422)


def test_a_photo_that_has_gone_is_an_error_without_its_path(
    client: TestClient, index: Any, monkeypatch: pytest.MonkeyPatch
):
    (found,) = client.get("/v1/search", params={"q": "red", "top": 1}).json()["photos"]
    opened = PhotoWorkers.open
    monkeypatch.setattr(PhotoWorkers, "open", lambda self, path, **asked: opened(self, f"{path}.gone", **asked))
    refused = client.get(found["photo"])
    assert refused.json()["error"] == "rose.png can no longer be shown"
    assert refused.status_code == 422


@pytest.mark.parametrize("query", [{}, {"q": ""}, {"q": "  "}, {"q": "red", "top": 0}, {"q": "red", "top": 1000}])
def test_searches_that_ask_nothing_possible(client: TestClient, query: dict[str, Any]):
    refused = client.get("/v1/search", params=query)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


def test_without_other_models_and_index_their_addresses_are_not_there(captioner: Captioner):
    with TestClient(application({"caption": captioner}), base_url=ADDRESS) as client:
        listed = client.get("/v1/models").json()
        assert (list(listed["tasks"]), listed["search"]) == (["caption"], False)
        assert client.post("/v1/align").status_code == client.get("/v1/search?q=a").status_code == 404
        assert client.post("/v1/regions").status_code == 404


@pytest.mark.slow
def test_requests_are_captioned_together(captioner: Captioner, monkeypatch: pytest.MonkeyPatch):
    let, sizes, together = threading.Event(), [], captioner.predict_prepared

    def slow(images: Sequence[Any], **options: Any) -> Any:
        sizes.append(len(images))
        assert let.wait(20)
        return together(images, **options)

    monkeypatch.setattr(captioner, "predict_prepared", slow)
    photos = [photo_file((20 * number, 90, 200 - 20 * number)) for number in range(9)]
    answers: dict[int, str] = {}
    with TestClient(application({"caption": captioner}), base_url=ADDRESS) as client:

        def ask(number: int) -> None:
            answers[number] = client.post("/v1/caption", files={"image": photos[number]}).json()["caption"]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(9)]
        threads[0].start()
        until(lambda: sizes == [1])
        for thread in threads[1:]:
            thread.start()
        until(lambda: "seetell_waiting 8.0" in client.get("/metrics").text)
        let.set()
        for thread in threads:
            thread.join(20)
    assert sizes == [1, 8]
    monkeypatch.undo()
    assert [answers[number] for number in range(9)] == [captioner.caption(photo).text for photo in photos]


@pytest.mark.slow
def test_a_full_server_asks_to_come_back_and_a_slow_one_gives_up(captioner: Captioner, monkeypatch: pytest.MonkeyPatch):
    let = threading.Event()
    monkeypatch.setattr(captioner, "predict_prepared", lambda images, **_: [let.wait(20)] and [OSError()] * len(images))
    with TestClient(application({"caption": captioner}, limits=Limits(queue=1, seconds=3)), base_url=ADDRESS) as client:
        slow: list[Any] = []
        asking = threading.Thread(target=lambda: slow.append(client.post("/v1/caption", files={"image": photo_file()})))
        asking.start()
        until(lambda: client.get("/healthz").json()["in_flight"] == 1)
        full = client.post("/v1/caption", files={"image": photo_file()})
        asking.join(20)
        let.set()
        assert (full.status_code, full.json()["code"], full.headers["retry-after"]) == (503, "busy", "2")
        assert (slow[0].status_code, slow[0].json()["code"]) == (503, "timed_out")
        until(lambda: client.get("/healthz").json() == {"status": "ok", "in_flight": 0})


def test_a_fault_is_told_without_its_details(captioner: Captioner, monkeypatch: pytest.MonkeyPatch, caplog: Any):
    def broken(images: Sequence[Any], **_: Any) -> Any:
        raise RuntimeError("a secret path /etc/shadow")

    monkeypatch.setattr(captioner, "predict_prepared", broken)
    with TestClient(application({"caption": captioner}), base_url=ADDRESS) as client:
        failed = client.post("/v1/caption", files={"image": photo_file()}, headers={"X-Request-ID": "mine-7"})
    assert failed.status_code == 500
    assert "secret" not in failed.text
    assert failed.json()["request_id"] == failed.headers["x-request-id"] == "mine-7"
    assert "mine-7" in caplog.text
    assert "secret" in caplog.text


def test_health_tells_when_the_models_thread_has_ended(captioner: Captioner):
    app = application({"caption": captioner})
    with TestClient(app, base_url=ADDRESS) as client:
        assert client.get("/healthz").json()["status"] == "ok"
    assert TestClient(app, base_url=ADDRESS).get("/healthz").status_code == 503


def test_counts_are_told_to_prometheus(client: TestClient):
    client.post("/v1/caption", files={"image": photo_file()})
    client.post("/v1/caption", files={"image": b""})
    client.get("/secret/path")
    told = client.get("/metrics").text
    assert 'seetell_requests_total{method="POST",path="/v1/caption",status="200"} 1.0' in told
    assert 'seetell_requests_total{method="POST",path="/v1/caption",status="422"} 1.0' in told
    assert 'seetell_batch_size_count{job="caption"} 1.0' in told
    assert "secret" not in told
    if sys.platform == "linux":
        assert "process_resident_memory_bytes" in told


def test_the_description_has_an_example_of_every_answer_and_error(client: TestClient):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/v1/caption", "/v1/align", "/v1/regions", "/v1/search", "/v1/photos/{key}", "/v1/models", "/healthz",
        "/v1/explain",
    }  # fmt: skip
    for path, methods in described["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                kinds = response["content"]
                assert all("example" in kind for kind in kinds.values()) or "image/jpeg" in kinds, (path, status)
