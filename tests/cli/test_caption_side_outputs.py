from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from cli.test_caption import in_process, save
from PIL import Image

from seetell.alttext.alt_text import MIN_CONFIDENCE, alt_text
from seetell.cli.metadata_outputs import Sidecar
from seetell.photos.metadata.description import ALT_TEXT, KEYWORDS
from seetell.photos.metadata.xmp import Outline
from seetell.photos.opening import open_photo
from seetell.tasks.loading import load
from seetell.tasks.reading import Line, WordReader


def test_the_report_shows_what_the_rows_say(attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = [save(tmp_path / "photos" / name) for name in ("b.png", "a.png")]
    absent, where, report = tmp_path / "absent.png", tmp_path / "where", tmp_path / "report.html"
    arguments = [*photos, absent, "-m", attending_bundle, "-f", "jsonl", "--attention", where, "--report", report]
    assert in_process(*arguments) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    html = report.read_text(encoding="utf-8")
    assert re.findall(r'data-image="([^"]*)"', html) == [row["image"] for row in rows]
    assert re.findall(r"<textarea[^>]*>([^<]*)", html) == [row["caption"].replace("'", "&#x27;") for row in rows[:2]]
    assert re.findall(r'data-error="([^"]*)"', html) == ["no such file"]
    assert re.findall(r'href="(where/[^"]*)"', html) == [f"where/{name}-attention.html" for name in "ba"]


def test_sidecars_lie_beside_the_photos(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg", "a.png", "c.jpg")]
    (tmp_path / "b.xmp").write_text("not XMP")
    assert in_process(*photos, "-m", tiny_bundle, "--sidecar", "-f", "jsonl") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("sidecar") for row in rows] == [str(tmp_path / "a.xmp"), None, None, str(tmp_path / "c.xmp")]
    assert rows[1]["error"].startswith("its sidecar b.xmp was not changed: it is not XML")
    assert rows[2]["error"].startswith("its sidecar a.xmp is that of")
    said = alt_text(load(tiny_bundle).caption(photos[0]).text)
    assert (tmp_path / "a.xmp").read_text(encoding="utf-8").count(said) == 2


@pytest.mark.slow
def test_photos_with_a_sidecar_are_captioned_again_only_on_request(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    assert in_process(photos[0], "-m", tiny_bundle, "--sidecar", "--sidecar-name", "full") == 0
    sidecar = tmp_path / "a.jpg.xmp"
    before = sidecar.read_bytes()
    capsys.readouterr()
    assert in_process(tmp_path, "-m", tiny_bundle, "--sidecar", "-f", "jsonl") == 0
    told = capsys.readouterr()
    assert [json.loads(line)["sidecar"] for line in told.out.splitlines()] == [str(tmp_path / "b.xmp")]
    assert told.err == "skipped: 1 photo is described already; --overwrite captions again\n"
    assert in_process(tmp_path, "-m", "nothing is loaded", "--sidecar") == 0
    assert capsys.readouterr().err == "skipped: 2 photos are described already; --overwrite captions again\n"
    assert sidecar.read_bytes() == before
    sidecar.write_bytes(before.replace(b'x-default">', b'x-default">Old '))
    assert in_process(tmp_path, "-m", tiny_bundle, "--sidecar", "--overwrite") == 0
    assert sidecar.read_bytes() == before
    assert in_process(tmp_path, "-m", tiny_bundle, "--sidecar", "--report", tmp_path / "r.html", "-f", "jsonl") == 0
    assert (tmp_path / "r.html").read_text(encoding="utf-8").count("data-image=") == 2


def test_a_sidecar_that_cannot_be_written_fails_its_photo_alone(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg", f"{'c' * 251}.jpg")]
    (tmp_path / "a.xmp").mkdir()
    arguments = ["-m", tiny_bundle, "-f", "jsonl", "--sidecar", "--report", tmp_path / "report.html"]
    assert in_process(*photos, *arguments) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["error"] == "its sidecar a.xmp was not changed: it is not a file"
    assert [Path(row["sidecar"]).name for row in rows[1:]] == ["b.xmp", f"{'c' * 251}.xmp"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8").count("data-image=") == 3


@pytest.mark.parametrize(
    ("option", "needed"),
    [
        (["--overwrite"], "--sidecar or --txt or --write-metadata"),
        (["--sidecar-name", "full"], "--sidecar or --txt"),
        (["--sidecar-name", "full", "--write-metadata"], "--sidecar or --txt"),
    ],
)
def test_how_captions_are_written_needs_a_place(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: list[str], needed: str
):
    assert in_process(save(tmp_path / "a.jpg"), "-m", tiny_bundle, *option) == 2
    assert f"{option[0]} says how captions are written; give {needed}, too" in capsys.readouterr().err


def test_captions_lie_beside_the_photos_as_text(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.jpg")]
    (tmp_path / "b.txt").write_text("mine")
    assert in_process(tmp_path, "-m", tiny_bundle, "--txt", "-f", "jsonl") == 0
    told = capsys.readouterr()
    (row,) = [json.loads(line) for line in told.out.splitlines()]
    assert (row["image"], row["txt"]) == (str(photos[0]), str(tmp_path / "a.txt"))
    assert told.err == "skipped: 1 photo is described already; --overwrite captions again\n"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == row["caption"] + "\n"
    assert (tmp_path / "b.txt").read_text() == "mine"
    assert in_process(tmp_path, "-m", tiny_bundle, "--txt", "--overwrite") == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "b.txt").read_text() != "mine"


def test_captions_and_keywords_are_written_into_the_photos(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seetell.tasks.captioning.keywords.keywords", lambda tokens: ("dog", "grass"))
    photos = [save(tmp_path / name) for name in ("a.jpg", "b.png", "c.webp", "d.gif")]
    before = [open_photo(photo).tobytes() for photo in photos]
    options = ["-m", tiny_bundle, "--write-metadata", "--sidecar", "--keywords", "-f", "jsonl"]
    assert in_process(*photos, *options) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row.get("metadata") for row in rows] == [*map(str, photos[:3]), None]
    assert rows[3]["sidecar"] == str(photos[3].with_suffix(".xmp"))  # its format takes no metadata
    assert [open_photo(photo).tobytes() for photo in photos] == before
    for photo in photos[:3]:
        with Image.open(photo) as opened:
            opened.load()
            embedded = opened.info.get("xmp") or opened.info["XML:com.adobe.xmp"].encode()
        for told in (Outline(embedded), Outline(photo.with_suffix(".xmp").read_bytes())):
            assert told.entries(KEYWORDS) == ["dog", "grass"]
            assert told.default_text(ALT_TEXT).endswith(".")
    photos[1].with_suffix(".xmp").unlink()
    assert in_process(*photos, *options) == 0
    told_again = capsys.readouterr()
    assert [json.loads(line)["image"] for line in told_again.out.splitlines()] == [str(photos[1])]
    assert "skipped: 3 photos are described already" in told_again.err
    assert photos[1].with_suffix(".xmp").exists()
    assert in_process(photos[3], *options[:3], "-f", "jsonl") == 1
    assert (
        "its metadata were not changed: its format is not JPEG, PNG or WebP; --sidecar writes"
        in capsys.readouterr().out
    )


@pytest.mark.slow
def test_alt_text_in_metadata_has_the_least_confidence_of_alt_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    photo = tmp_path / "cat.jpg"
    shutil.copy(Path(__file__).parents[2] / "examples" / "cat.jpg", photo)
    monkeypatch.setattr("seetell.alttext.alt_text.MIN_CONFIDENCE", 1.0)
    for arguments, sure in ((["--sidecar"], True), (["--write-metadata"], True), (["--txt"], False)):
        assert in_process(photo, "-f", "jsonl", *arguments) == 0
        assert ("is below 1" in json.loads(capsys.readouterr().out).get("reason", "")) is sure
    assert not photo.with_suffix(".xmp").exists()
    assert in_process(photo, "-f", "jsonl", "--sidecar", "--min-confidence", "0") == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "sentence"
    assert photo.with_suffix(".xmp").exists()


def test_a_model_without_a_confidence_is_not_asked_for_one(tiny_bundle: Path):
    for model in (str(tiny_bundle), "hf:someone/model"):
        assert Sidecar("--sidecar", True).defaults(model) == {}
    assert Sidecar("--sidecar", True).defaults("caption") == {"min_confidence": MIN_CONFIDENCE}


@pytest.mark.parametrize("option", ["--sidecar", "--write-metadata"])
def test_photos_without_a_keyword_are_not_captioned_again(
    option: str, tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("seetell.tasks.captioning.keywords.keywords", lambda tokens: ())
    arguments = [save(tmp_path / "a.jpg"), "-m", tiny_bundle, option, "--keywords", "-f", "jsonl"]
    assert in_process(*arguments) == 0
    assert json.loads(capsys.readouterr().out)["keywords"] == []
    assert in_process(*arguments) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "skipped: 1 photo is described already; --overwrite captions again\n")


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("no/report.html", "there is no folder"),
        (".", "is a folder"),
        ("b.jpg", "name of a photo"),
        ("w/index.html", "--attention"),
    ],
)
def test_a_report_in_a_wrong_place_is_wrong_use(
    report: str, said: str, attending_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    photo = save(tmp_path / "a.png")
    (tmp_path / "w").mkdir()
    before = sorted(os.listdir(tmp_path))
    arguments = ["-m", attending_bundle, "--attention", tmp_path / "w", "--report", tmp_path / report]
    assert in_process(photo, *arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("option", ["--sidecar", "--write-metadata"])
def test_what_lies_at_an_address_has_no_metadata(option: str, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]):
    code = in_process("http://127.0.0.1:1/dog.jpg", "--model", tiny_bundle, option)
    assert code == 2
    assert f"{option} is for photos in files, and http://127.0.0.1:1/dog.jpg is an address" in capsys.readouterr().err


def test_words_in_photos_go_behind_their_captions(
    tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        WordReader, "read", lambda self, image: [Line("STOP", 0.1, 0.8)] if "sign" in str(image) else []
    )
    photos = [save(tmp_path / name) for name in ("sign.png", "plain.png")]
    said = load(tiny_bundle).caption(photos[0]).text
    arguments = [*photos, tmp_path / "absent.png", "-m", tiny_bundle, "-f", "jsonl", "--read", "--sidecar"]
    assert in_process(*arguments) == 1
    sign, plain, absent = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (sign["caption"], sign["written"]) == (f"{said} with the words “STOP”", ["STOP"])
    assert sign["written_confidence"] == [0.8]
    assert (plain["caption"], plain["written"]) == (load(tiny_bundle).caption(photos[1]).text, [])
    assert absent["error"] == "no such file"
    assert "with the words &#8220;STOP&#8221;" in (tmp_path / "sign.xmp").read_text(encoding="utf-8")
