"""Commands with models of transformers: everything around them is that of any model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from seetell.cli.main import main

pytestmark = pytest.mark.slow


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of three photos, from which commands run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (400, 300), (60 * number, 0, 0)).save(tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def said(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_rows_report_and_sidecars_are_those_of_any_model(tiny_hub, photos: Path, capsys: pytest.CaptureFixture[str]):
    model = tiny_hub("blip")
    options = ["--report", "report.html", "--sidecar", "--keywords", "--format", "jsonl", "--threads", "1"]
    assert run("caption", "photos", "--model", model, *options, "--max-words", "5", "--device", "cpu") == 0
    rows = said(capsys)
    assert [row["image"] for row in rows] == [f"photos{os.sep}{number}.png" for number in range(3)]
    for row in rows:
        assert row["model"] == str(model)
        assert [word["text"] for word in row["words"]] == row["caption"].split()
        assert row["logprob"] < 0
    assert rows[0]["caption"] in Path("report.html").read_text(encoding="utf-8")
    assert rows[0]["caption"][1:] in (photos / "0.xmp").read_text(encoding="utf-8")


def test_files_of_rows_are_resumed(tiny_hub, photos: Path):
    command = ["caption", "photos", "--model", f"hf:{tiny_hub('git')}", "--output", "rows.jsonl", "--max-words", "3"]
    assert run(*command, "--threads", 1) == 0
    whole = Path("rows.jsonl").read_text(encoding="utf-8")
    Path("rows.jsonl").write_text("".join(whole.splitlines(keepends=True)[:1]), encoding="utf-8")
    run(*command, "--threads", 1)
    assert Path("rows.jsonl").read_text(encoding="utf-8") == whole


def test_alt_text_is_filled_in(tiny_hub, photos: Path):
    Path("index.html").write_text('<img src="photos/0.png">\n', encoding="utf-8")
    assert run("alt", "index.html", "--model", tiny_hub("blip"), "--write", "--threads", "1") == 0
    assert 'alt="' in Path("index.html").read_text(encoding="utf-8")


def test_photos_are_indexed_and_searched(tiny_hub, photos: Path, capsys: pytest.CaptureFixture[str]):
    model = ["--model", f"hf:{tiny_hub('clip')}", "--index", "index", "--threads", "1"]
    assert run("index", "photos", *model) == 0
    capsys.readouterr()
    assert run("search", "an axolotl", *model, "--format", "jsonl") == 0
    rows = said(capsys)
    assert sorted(Path(row["image"]).name for row in rows) == ["0.png", "1.png", "2.png"]
    assert "unknown_words" not in rows[0]
    assert run("search", "a dog", "--index", "index") != 0  # with the bundled model
    assert "was made with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "kind"), [("detect", "yolos"), ("detect", "florence"), ("regions", "florence"), ("classify", "vit")]
)
def test_other_commands(command: str, kind: str, tiny_hub, photos: Path, capsys: pytest.CaptureFixture[str]):
    assert run(command, "photos", "--model", tiny_hub(kind), "--format", "jsonl", "--threads", "1") == 0
    assert [row["model"] for row in said(capsys)] == [str(tiny_hub(kind))] * 3


def test_phrases_are_grounded(tiny_hub, photos: Path, capsys: pytest.CaptureFixture[str]):
    model = ["--model", tiny_hub("florence"), "--threads", "1"]
    assert run("align", "photos/0.png", "a red dog", *model, "--format", "jsonl") == 0
    assert said(capsys)[0]["sentence"] == "a red dog"


def test_captions_are_scored(tiny_hub, photos: Path, capsys: pytest.CaptureFixture[str]):
    rows = "".join(f"photos/{number}.png,a red dog on grass\n" for number in range(3))
    Path("captions.csv").write_text(f"image,caption\n{rows}")
    model = ["--data", "captions.csv", "--split", "train", "--max-tokens", "4"]
    assert run("evaluate", tiny_hub("git"), *model) == 0
    assert "CIDEr" in capsys.readouterr().out


def test_wrong_use_is_told_before_any_work(tiny_hub, photos: Path, capsys: pytest.CaptureFixture[str]):
    for options, message in [
        (["--model", tiny_hub("blip"), "--min-confidence", "0.5"], "min_confidence has nothing to compare"),
        (["--model", tiny_hub("blip"), "--attention", "where"], "has no attention"),
        (["--model", tiny_hub("yolos")], "it is for seetell detect"),
        (["--model", tiny_hub("git"), "--precision", "int8"], "precision is for bundles"),
        (["--device", "cpu"], "is a bundle; it is for models named hf:"),
    ]:
        assert run("caption", "photos", *options) == 2
        told = capsys.readouterr()
        assert message in told.err
        assert told.out == ""
