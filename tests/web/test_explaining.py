"""``POST /v1/explain``: the rows of ``seetell explain``, and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from web.conftest import ADDRESS, DOG, photo_file, until

import seetell
from seetell.explain.methods import GRADIENTS
from seetell.results import row
from seetell.tasks.captioning.predict import BundleCaptioner
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.explanation import explain
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.web.application import application
from seetell.web.explaining import methods_of
from seetell.web.limits import Limits

PHOTO = photo_file(size=(60, 40))


@pytest.mark.slow
def test_words_of_the_caption_are_explained_as_on_the_command_line(client: TestClient, captioner: BundleCaptioner):
    answer = client.post("/v1/explain?cells=3", files={"image": ("red.png", PHOTO)})
    assert answer.status_code == 200
    assert answer.json() == row("red.png", explain(captioner, PHOTO, cells=3))
    words = answer.json()["answer"].split()
    asked = f"/v1/explain?cells=2&word={words[-1]}&method=occlusion"
    (part, *_) = client.post(asked, files={"image": PHOTO}).json()["explained"]
    assert part["text"] == words[-1]
    assert [each["method"] for each in part["maps"]] == ["occlusion"]
    assert np.shape(part["maps"][0]["values"]) == (2, 2)


def test_a_text_goes_with_the_image(client: TestClient, grounder: PhraseGrounder):
    photo = photo_file((250, 0, 0))
    answer = client.post("/v1/explain?command=align&cells=2", files={"image": photo}, data={"text": "a red square"})
    assert [part["text"] for part in answer.json()["explained"]] == [
        part.text for part in explain(grounder, photo, text="a red square", cells=2).parts
    ]


def test_methods_are_listed(client: TestClient):
    listed = client.get("/v1/models").json()["explain"]
    assert listed == {
        "caption": ["attention", "occlusion"], "regions": ["occlusion"], "align": ["occlusion"],
        "search": ["occlusion"],
    }  # fmt: skip
    word = client.post("/v1/explain?cells=2", files={"image": PHOTO}).json()["explained"][0]["text"]
    refused = client.post(f"/v1/explain?method=saliency&word={word}", files={"image": PHOTO})
    assert refused.status_code == 422
    assert "has no weights for methods that need gradients; ask for occlusion" in refused.json()["error"]


def test_gradients_are_for_bundles_with_weights():
    classifier = seetell.load("classify", threads=1)
    assert methods_of(classifier) == ("occlusion", *GRADIENTS)
    assert methods_of(seetell.load("detect", threads=1)) == ("occlusion",)


@pytest.mark.slow
def test_methods_that_need_gradients_explain_named_words():
    with TestClient(application({"caption": seetell.load(threads=1)}), base_url=ADDRESS) as client:
        assert client.get("/v1/models").json()["explain"]["caption"] == ["attention", "occlusion", *GRADIENTS]
        photo = DOG.read_bytes()
        (word, *_) = reversed(client.post("/v1/explain?cells=2", files={"image": photo}).json()["answer"].split())
        answer = client.post(f"/v1/explain?method=saliency&method=grad-cam&word={word}", files={"image": photo})
        assert [each["method"] for each in answer.json()["explained"][0]["maps"]] == ["saliency", "grad-cam"]


@pytest.mark.parametrize(
    ("query", "form", "code", "message"),
    [
        ("command=catpion", {}, "invalid", "unknown command 'catpion'. Did you mean 'caption'?"),
        ("word=zebra", {}, "invalid", "unknown word 'zebra'"),
        ("method=magic", {}, "invalid", "unknown method 'magic'"),
        ("method=saliency", {}, "invalid", "expected 1 to 3 to explain by saliency, got 0"),
        ("&".join(["word=a"] * 21), {}, "invalid", "expected 0 to 20 to explain, got 21"),
        ("cells=1", {}, "invalid", "cells"),
        ("celles=3", {}, "invalid", "unknown query parameter 'celles'"),
        ("command=align", {}, "invalid", "there is no text; expected the sentence"),
        ("command=align", {"text": "qwertz"}, "invalid", "qwertz"),
        ("", {"text": "a" * 501}, "text_too_long", "at most 500 characters, got 501"),
        ("", {"sentence": "a"}, "invalid", "unknown form field 'sentence'"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    client: TestClient, query: str, form: dict[str, str], code: str, message: str
):
    refused = client.post(f"/v1/explain?{query}", files={"image": PHOTO}, data=form)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert message in refused.json()["error"]


def test_a_file_that_is_no_photo_is_refused(client: TestClient):
    refused = client.post("/v1/explain", files={"image": b"no photo"})
    assert (refused.status_code, refused.json()["code"]) == (415, "not_a_photo")


def test_other_requests_take_turns_with_an_explanation(captioner: BundleCaptioner, monkeypatch: pytest.MonkeyPatch):
    begun, go_on, scored, scored_before = threading.Event(), threading.Event(), [], []
    logprobs, predict = captioner.logprobs, captioner.predict_prepared

    def noted(*items: Any, **options: Any) -> Any:
        scored_before.append(len(scored))
        return predict(*items, **options)

    def slowly(images: Any, tokens: Any) -> np.ndarray:
        begun.set()
        scored.append(len(images))
        if len(scored) == 2:
            assert go_on.wait(30)
        return logprobs(images, tokens)

    monkeypatch.setattr(captioner, "logprobs", slowly)
    monkeypatch.setattr(captioner, "predict_prepared", noted)
    answers: list[int] = []
    with TestClient(application({"caption": captioner}), base_url=ADDRESS) as client:

        def post(address: str) -> None:
            answers.append(client.post(address, files={"image": PHOTO}).status_code)

        threads = [threading.Thread(target=post, args=("/v1/explain?cells=8",))]
        threads[0].start()
        assert begun.wait(30)
        threads.append(threading.Thread(target=post, args=("/v1/caption",)))
        threads[1].start()
        until(lambda: len(scored) == 2 and "seetell_waiting 1.0" in client.get("/metrics").text)
        go_on.set()
        threads[1].join(30)
        assert scored_before[-1] < 5  # it did not wait for the whole explanation
        threads[0].join(30)
    assert answers == [200, 200]


@pytest.mark.slow
def test_an_explanation_that_takes_too_long_ends(captioner: BundleCaptioner, monkeypatch: pytest.MonkeyPatch):
    scored, late = [], threading.Event()
    logprobs = captioner.logprobs

    def slowly(images: Any, tokens: Any) -> np.ndarray:
        scored.append(len(images))
        late.wait(0.3)
        return logprobs(images, tokens)

    monkeypatch.setattr(captioner, "logprobs", slowly)
    app = application({"caption": captioner}, limits=Limits(seconds=1.5))
    with TestClient(app, base_url=ADDRESS) as client:
        refused = client.post("/v1/explain?cells=12", files={"image": PHOTO})
        assert (refused.status_code, refused.json()["code"]) == (503, "timed_out")
        until(lambda: client.get("/metrics").text.count("seetell_waiting 0.0") == 1)
        assert client.post("/v1/caption", files={"image": PHOTO}).status_code == 200
        done = len(scored)
        late.wait(0.7)
        assert len(scored) <= done + 1 < 9  # of nine batches


def test_explanations_can_be_left_out(dense_captioner: DenseCaptioner):
    with TestClient(application({"regions": dense_captioner}, explain=False), base_url=ADDRESS) as client:
        assert client.get("/v1/models").json()["explain"] == {}
        assert client.post("/v1/explain", files={"image": PHOTO}).status_code == 404
