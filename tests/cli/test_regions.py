from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tasks.dense_captioning.test_predict import boxes

from seetell.cli.main import main
from seetell.data.region_results import read_region_results


@pytest.fixture
def run(dense_bundle: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    boxes(64, 64).save(tmp_path / "a.png")
    boxes(128, 96).save(tmp_path / "b.png")
    (tmp_path / "broken.png").write_bytes(b"no photo")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path, model: str | Path = dense_bundle) -> tuple[int, str, str]:
        """Return the exit status of the command and what it wrote to standard output and error."""
        with pytest.raises(SystemExit) as caught:
            main(["regions", *map(str, arguments), "--model", str(model), "--threads", "1"])
        return int(caught.value.code or 0), *capsys.readouterr()

    return run


def test_a_line_a_region(run):
    status, out, err = run("a.png", "b.png", "--top", "2")
    assert (status, err) == (0, "")
    lines = [line.split("\t") for line in out.splitlines()]
    assert {photo for photo, *_ in lines} == {"a.png", "b.png"}
    assert all(len(box.split()) == 4 and 0 <= float(score) <= 1 and phrase for _, phrase, score, box in lines)
    assert sum(photo == "a.png" for photo, *_ in lines) <= 2


def test_json_lines_are_what_the_scorer_reads(run, tmp_path: Path):
    status, out, err = run("a.png", "broken.png", "b.png", "--format", "jsonl")
    assert status == 1
    assert err == ""
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["image"] for row in rows] == ["a.png", "broken.png", "b.png"]
    assert set(rows[1]) == {"image", "error"}
    assert set(rows[0]["regions"][0]) == {"text", "box", "score"}
    assert (rows[2]["size"], rows[2]["model"]) == ([128, 96], "boxes")
    (tmp_path / "found.jsonl").write_text(out)
    read = read_region_results(tmp_path / "found.jsonl")
    assert read.captions["b.png"].in_pixels((128, 96))[0].text == rows[2]["regions"][0]["text"]
    assert read.failed == ("broken.png",)


def test_densecaps_results_hold_the_same_boxes(run, tmp_path: Path):
    _, out, _ = run("b.png", "--format", "jsonl", "--results", "results.json")
    region = json.loads(out)["regions"][0]
    found = read_region_results(tmp_path / "results.json").captions["b.png"].in_pixels((128, 96))[0]
    assert found.text == region["text"]
    assert found.box == pytest.approx(region["box"], abs=0.01)


@pytest.mark.slow
def test_a_picture_and_a_page(run, tmp_path: Path):
    assert run("b.png", "--output", "shown.png")[0] == 0
    with Image.open(tmp_path / "shown.png") as picture:
        assert picture.width >= 480
    status, out, _ = run("b.png", "--output", "shown.html")
    page = (tmp_path / "shown.html").read_text(encoding="utf-8")
    assert status == 0
    assert out.splitlines()[0].split("\t")[1] in page
    assert "b.png" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "b.png", "--output", "shown.png"], "--output shows one photo"),
        (
            ["a.png", "--output", "shown.gif"],
            ".parquet, or a folder/, or .png, .jpg or .html to show the result of one photo",
        ),
        (["a.png", "--top", "0"], "Invalid value for '--top': 0 is not in the range 1<=x<=100"),
        (["a.png", "--results", "nowhere/results.json"], "there is no folder nowhere"),
        (["empty"], "no photos found in empty"),
    ],
)
def test_wrong_use(run, tmp_path: Path, arguments, message):
    (tmp_path / "empty").mkdir()
    status, out, err = run(*arguments)
    assert status == 2
    assert message in err
    assert out == ""


def test_a_captioner_is_no_dense_captioner(run, tmp_path: Path):
    from runtime.tiny_bundle import write_tiny_bundle

    status, _, err = run("a.png", model=write_tiny_bundle(tmp_path / "tiny"))
    assert status == 2
    assert "is a model for captioning (seetell caption); expected one for dense captioning (seetell regions)" in err
