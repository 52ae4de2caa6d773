from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from runtime.tiny_bundle import write_tiny_bundle

from seetell.cli.main import main
from seetell.metrics import score_captions
from seetell.tasks.loading import load

COLOURS = {"red.png": (200, 20, 20), "blue.png": (20, 20, 200), "green.png": (20, 200, 20)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos with captions, all in the split ``val``."""
    folder = tmp_path / "photos"
    folder.mkdir()
    rows = ["image,caption,split"]
    for name, colour in COLOURS.items():
        Image.new("RGB", (20, 20), colour).save(folder / name)
        rows += [f"{name},a {name[:-4]} square,val", f"{name},a dog runs on grass,val"]
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def people(names: list[str]) -> dict[str, list[str]]:
    return {name: [f"a {name[:-4]} square", "a dog runs on grass"] for name in names}


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def said(bundle: Path, folder: Path, names: list[str]) -> dict[str, str]:
    captioner = load(bundle)
    return {name: captioner.caption(folder / name).text for name in names}


def test_scores_are_those_of_the_captions(
    tiny_bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    results = tmp_path / "results.json"
    status, out, _ = run(capsys, tiny_bundle, "--data", folder, "--output", results)
    captions = said(tiny_bundle, folder, list(COLOURS))
    assert status == 0
    assert json.loads(out) == {**score_captions(people(list(COLOURS)), captions).corpus, "photos": 3}
    assert {row["image_id"]: row["caption"] for row in json.loads(results.read_text())} == captions


def test_a_bundle_that_cannot_take_scores_is_said_before_photos_are_captioned(
    tiny_bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("os.access", lambda path, mode: Path(path).parent != tiny_bundle)
    status, out, err = run(capsys, tiny_bundle, "--data", folder, "--record")
    assert (status, out) == (2, "")
    assert f"--record {tiny_bundle / 'model.json'}: nothing can be written there" in err


def test_a_place_for_the_captions_is_looked_at_before_they_are_made(
    tiny_bundle: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status, out, err = run(capsys, tiny_bundle, "--data", folder, "--output", tmp_path / "nowhere" / "results.json")
    assert status == 2
    assert out == ""
    assert "there is no folder" in err
    assert "captioning" not in err


@pytest.mark.parametrize("name", ["absent/confusion.png", "confusion.jpg", "photos/red.png"])
def test_a_place_for_a_picture_is_looked_at_before_it_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setattr("seetell.tasks.loading.load_for", lambda *given, **options: pytest.fail("loaded"))
    picture = folder.parent / name
    data = picture if picture.exists() else folder
    status, _, err = run(capsys, "classify", "--data", data, "--confusion", picture)
    assert (status, f"--confusion {picture}: " in err) == (2, True)


def test_phrases_of_regions_are_no_captions_of_photos(
    tiny_bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]
):
    phrases = folder / "phrases.jsonl"
    phrases.write_text('{"image": "red.png", "box": [0, 0, 9, 9], "caption": "a square", "split": "val"}')
    status, out, err = run(capsys, tiny_bundle, "--data", phrases)
    assert (status, out) == (1, "")
    assert "has phrases of regions, but a captioner describes whole images" in err


def test_photos_that_do_not_open_are_named_and_skipped(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
):
    bundle = write_tiny_bundle(tmp_path / "tiny")
    before = (bundle / "model.json").read_bytes()
    (folder / "blue.png").write_bytes(b"no picture")
    status, out, err = run(capsys, bundle, "--data", folder, "--record")
    left = ["red.png", "green.png"]
    assert status == 1
    assert json.loads(out) == {**score_captions(people(left), said(bundle, folder, left)).corpus, "photos": 2}
    assert "blue.png" in err
    assert "1 of 3 photos do not open" in err
    assert (bundle / "model.json").read_bytes() == before


def test_no_photo_that_opens_is_an_error(tiny_bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]):
    for name in COLOURS:
        (folder / name).write_bytes(b"no picture")
    status, out, err = run(capsys, tiny_bundle, "--data", folder)
    assert (status, out) == (1, "")
    assert "none of the 3 photos" in err


def test_a_split_without_photos_is_an_error(tiny_bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]):
    status, _, err = run(capsys, tiny_bundle, "--data", folder, "--split", "train")
    assert status == 1
    assert "no photos in the split 'train'" in err


def test_wrong_use(tiny_bundle: Path, folder: Path, capsys: pytest.CaptureFixture[str]):
    status, _, err = run(capsys, tiny_bundle, "--data", folder, "--split", "foo")
    assert (status, "'foo' is not one of 'train', 'val', 'test'" in err) == (2, True)
    for words in (["--data", folder / "absent"], ["--data", folder, "--photos", folder / "absent"]):
        status, _, err = run(capsys, tiny_bundle, *words)
        assert (status, "absent' does not exist" in err) == (2, True)
