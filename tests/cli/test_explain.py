from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from PIL import Image

from seetell.cli.main import main


@pytest.fixture
def run(attending_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    Image.new("RGB", (64, 48), (200, 30, 60)).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, model: str | Path = attending_bundle) -> tuple[int, str, str]:
        """Return the exit status of the command and what it wrote to standard output and error."""
        with pytest.raises(SystemExit) as caught:
            main(["explain", *map(str, arguments), "--model", str(model), "--threads", "1", "--cells", "3"])
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


def test_a_line_a_word_and_method(run):
    status, out, err = run("a.png", "--text", "a dog runs", "--word", "dog")
    assert (status, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert [(row[0], row[1], row[3]) for row in rows] == [("a.png", "dog", "attention"), ("a.png", "dog", "occlusion")]
    assert float(rows[0][2]) < 0
    assert {row[4] for row in rows} <= {
        *("upper left", "top", "upper right", "left", "centre", "right", "lower left", "bottom", "lower right")
    }


def test_programs_get_an_object_a_photo(run):
    status, out, err = run("a.png", "missing.png", "--text", "a dog runs", "--method", "occlusion", "--format", "jsonl")
    rows = list(map(json.loads, out.splitlines()))
    assert (status, err) == (1, "")
    assert (rows[0]["image"], rows[0]["answer"], rows[0]["size"]) == ("a.png", "a dog runs", [64, 48])
    assert [part["text"] for part in rows[0]["explained"]] == ["a", "dog", "runs"]
    (heat_map,) = rows[0]["explained"][1]["maps"]
    assert heat_map["method"] == "occlusion"
    assert [len(row) for row in heat_map["values"]] == [3, 3, 3]
    assert rows[1] == {"image": "missing.png", "error": "no such file"}


@pytest.mark.parametrize("name", ["why.png", "why.jpg", "why.html"])
def test_a_picture_or_a_page_is_written(run, tmp_path: Path, name: str):
    status, _, err = run("a.png", "--text", "a dog", "--output", name)
    assert (status, err) == (0, "")
    if name.endswith("html"):
        assert "a dog" in (tmp_path / name).read_text(encoding="utf-8")
    else:
        with Image.open(tmp_path / name) as picture:
            assert picture.width >= 480


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "--word", "zebra"], "unknown word 'zebra'"),
        (["a.png", "--text", " "], "--text: is empty"),
        (["a.png", "--method", "attention,magic"], "unknown method 'magic'"),
        (["a.png", "--output", "why.txt"], "expected a name that ends in .png, .jpg, .jpeg, .html, .htm"),
        (["a.png", "b.png", "--output", "why.png"], "--output shows one photo"),
        (["a.png", "--output", "a.png"], "would overwrite what this command reads"),
    ],
)
def test_wrong_use_is_refused(run, arguments: list[str], message: str):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err


def test_slow_methods_are_announced(run, monkeypatch: pytest.MonkeyPatch):
    clock = itertools.count(step=2.0)
    monkeypatch.setattr("seetell.cli.picture_options.time.monotonic", lambda: next(clock))
    monkeypatch.setattr("seetell.explain.occlusion.BATCH", 1)
    status, _, err = run("a.png", "--text", "a dog", "--method", "occlusion")
    assert status == 0
    assert err.startswith("occlusion: about ")


def test_a_word_that_one_photo_lacks_loses_no_other(run, tmp_path: Path):
    Image.new("RGB", (2000, 1), (200, 30, 60)).save(tmp_path / "line.png")
    _, out, _ = run("a.png", "line.png", "--format", "jsonl", "--method", "occlusion")
    rows = list(map(json.loads, out.splitlines()))
    assert [row["size"] for row in rows] == [[64, 48], [2000, 1]]
    status, out, err = run("a.png", "missing.png", "a.png", "--word", "zebra")
    assert (status, out) == (1, "")
    assert [line.partition(":")[0] for line in err.splitlines()] == ["a.png", "missing.png", "a.png"]
    assert "unknown word 'zebra'" in err
