from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from PIL import Image
from runtime.tiny_aligner import write_tiny_aligner
from tasks.grounding.test_predict import SENTENCE, halves

from seetell.cli.main import main


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "b.png"):
        halves().save(tmp_path / "photos" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


@pytest.fixture
def run(tiny_aligner: Path, capsys: pytest.CaptureFixture[str], photos: Path):
    def run(*arguments: str | Path, model: str | Path = tiny_aligner) -> tuple[int, str, str]:
        """Return the exit status of the command and what it wrote to standard output and error."""
        with pytest.raises(SystemExit) as caught:
            main(["align", *map(str, arguments), "--model", str(model), "--threads", "1"])
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


def listed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_a_line_a_segment(run):
    status, out, err = run("photos/a.png", SENTENCE)
    assert (status, err) == (0, "")
    lines = [line.split("\t") for line in out.splitlines()]
    assert [(photo, segment, box) for photo, segment, _, box in lines] == [
        ("photos/a.png", "a red square", "0 0 32 48"),
        ("photos/a.png", "on a blue square", "32 0 64 48"),
    ]
    assert all(float(score) > 0 for _, _, score, _ in lines)


def test_a_large_beta_leaves_one_segment(run):
    assert len(run("photos/a.png", SENTENCE, "--beta", "50")[1].splitlines()) == 1
    status, _, err = run("photos/a.png", SENTENCE, "--beta", "-1")
    assert status == 2
    assert "Invalid value for '--beta': -1.0 is not in the range x>=0" in err


def test_programs_get_an_object_a_photo(run, photos: Path):
    (photos / "broken.png").write_bytes(b"broken")
    status, out, err = run("photos", SENTENCE, "--format", "jsonl")
    first, second, broken = map(json.loads, out.splitlines())
    assert (status, err) == (1, "")
    assert [first["image"], second["image"]] == ["photos/a.png", "photos/b.png"]
    assert [*first] == ["image", "sentence", "regions", "score", "size", "model"]
    assert [segment["box"] for segment in first["regions"]] == [[0, 0, 32, 48], [32, 0, 64, 48]]
    assert broken["image"] == "photos/broken.png"
    assert broken["error"].startswith("not a photo")


def test_a_photo_that_fails_is_told_and_the_others_go_on(run):
    status, out, err = run("absent.png", "photos/a.png", SENTENCE)
    assert (status, err) == (1, "absent.png: no such file\n")
    assert len(out.splitlines()) == 2


def test_captions_are_aligned_each_with_its_photo(run, monkeypatch: pytest.MonkeyPatch):
    rows = [
        {"image": "photos/b.png", "caption": "a blue square", "logprob": -1.5},
        {"image": "absent.png", "error": "no such file"},
        {"image": "photos/a.png", "caption": "a red square"},
        {"image": "photos/a.png", "caption": None, "reason": "blank"},
        {"image": "photos/a.png", "caption": None},
    ]
    listed(monkeypatch, "".join(f"{json.dumps(row)}\n" for row in rows))
    status, out, err = run("--captions", "-")
    assert (status, err) == (0, "--captions: 3 rows without a caption, failed or withheld\n")
    assert [line.split("\t")[:2] for line in out.splitlines()] == [
        ["photos/b.png", "a blue square"],
        ["photos/a.png", "a red square"],
    ]


WRONG_TYPES = ['{"image": 5, "caption": "red"}', '{"image": "a.png", "caption": 5}']


@pytest.mark.parametrize("line", ["3", "[]", "{}", '{"image": "a.png"}', *WRONG_TYPES, "no json"])
def test_a_line_that_is_no_caption_is_named(run, tmp_path: Path, line: str):
    (tmp_path / "captions.jsonl").write_text('{"image": "photos/a.png", "caption": "red"}\n' + line + "\n")
    status, out, err = run("--captions", "captions.jsonl")
    assert (status, out) == (2, "")  # nothing was aligned before
    assert "captions.jsonl, line 2: expected a JSON object with image and caption" in err


def test_photos_may_be_listed_on_standard_input(run, monkeypatch: pytest.MonkeyPatch):
    listed(monkeypatch, "photos/b.png\nphotos/a.png\n")
    assert [line.split("\t")[0] for line in run("-", "red")[1].splitlines()] == ["photos/b.png", "photos/a.png"]


def test_a_sentence_without_a_word_it_knows_is_refused(run):
    status, out, err = run("photos/a.png", "a wug")
    assert (status, out) == (2, "")
    assert err.startswith("seetell: not known: wug; describe what a photo shows in other English words")


def test_unknown_words_are_told_once(run):
    status, out, err = run("photos", "a wug beside red squares", "--format", "jsonl")
    assert (status, err) == (0, "not known, left out: wug; read as: squares as square\n")
    for row in map(json.loads, out.splitlines()):
        assert (row["unknown_words"], row["read_as"]) == (["wug"], {"squares": "square"})


def test_of_captions_those_without_a_known_word_fail(run, monkeypatch: pytest.MonkeyPatch):
    rows = [{"image": "photos/a.png", "caption": text} for text in ("a wug", "a red wug")]
    listed(monkeypatch, "".join(f"{json.dumps(row)}\n" for row in rows))
    status, out, err = run("--captions", "-")
    assert (status, len(out.splitlines())) == (1, 1)
    assert err.startswith("photos/a.png: not known: wug; describe")
    assert "photos/a.png: not known, left out: wug\n" in err


def test_blank_lines_and_a_byte_order_mark_are_no_rows(run, monkeypatch: pytest.MonkeyPatch):
    listed(monkeypatch, "\ufeff" + json.dumps({"image": "photos/a.png", "caption": "a red square"}) + "\n\n \n")
    status, out, err = run("--captions", "-", "--format", "jsonl")
    assert (status, err, len(out.splitlines())) == (0, "", 1)


def test_a_line_that_is_nested_too_deeply_is_wrong_use(run, monkeypatch: pytest.MonkeyPatch):
    listed(monkeypatch, '{"image": ' + "[" * 100_000 + "\n")
    status, _, err = run("--captions", "-")
    assert (status, err) == (2, "seetell: --captions -, line 1: expected a JSON object with image and caption\n")


def test_an_empty_caption_fails_and_is_named(run, monkeypatch: pytest.MonkeyPatch):
    listed(monkeypatch, '{"image": "photos/a.png", "caption": ""}\n')
    status, out, _ = run("--captions", "-", "--format", "jsonl")
    row = json.loads(out)
    assert (status, [*row], row["sentence"]) == (1, ["image", "sentence", "error"], "")


def test_a_picture_is_drawn(run, tmp_path: Path):
    assert run("photos/a.png", SENTENCE, "--output", "drawn.png")[0] == 0
    with Image.open(tmp_path / "drawn.png") as drawn:
        assert (drawn.format, drawn.width) == ("PNG", 800)
    assert run("photos/a.png", SENTENCE, "--output", "drawn.JPG")[0] == 0
    with Image.open(tmp_path / "drawn.JPG") as drawn:
        assert drawn.format == "JPEG"


def test_a_page_is_written(run, tmp_path: Path):
    assert run("photos/a.png", SENTENCE, "--output", "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "on a blue square" in page
    assert "a.png · model colours" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a photo and a sentence"),
        (("photos/a.png",), "name a photo and a sentence"),
        (("photos/a.png", " "), "name a photo and a sentence"),
        (("photos/a.png", "red", "--captions", "-"), "but not both"),
        (("--captions", "absent.jsonl"), "absent.jsonl: cannot be read (No such file"),
        (("photos", "red", "--output", "x.png"), "--output shows one photo"),
        (
            ("photos/a.png", "red", "--output", "x.gif"),
            ".parquet, or a folder/, or .png, .jpg or .html to show the result of one photo",
        ),
        (("photos/a.png", "red", "--output", "nowhere/x.png"), "there is no folder nowhere"),
    ],
)
def test_wrong_use_is_named(run, arguments: tuple[str, ...], message: str):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_a_folder_without_photos(run, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    status, _, err = run("empty", "red")
    assert status == 2
    assert "no photos found in empty" in err


def test_models_that_cannot_do_it(run, tiny_bundle: Path, tmp_path: Path):
    status, _, err = run("photos/a.png", "red", model=tiny_bundle)
    assert status == 2
    assert "expected one for grounding (seetell align), such as 'flickr8k-align'" in err
    wholes = write_tiny_aligner(tmp_path / "wholes", compared=("whole",))
    status, _, err = run("photos/a.png", "red", model=wholes)
    assert status == 2
    assert "compares whole photos only" in err
