from __future__ import annotations

import json
from pathlib import Path

import pytest

from seetell.cli.main import main
from seetell.metrics import NAMES, score_captions

PEOPLE = {
    "hill.jpg": ["A dog runs up a green hill.", "The dog is on a hill"],
    "sea.jpg": ["Two boats on a calm sea", "Boats at sea"],
    "cup.jpg": ["A cup of tea on a table"],
}
SAID = {"hill.jpg": "a dog on a green hill", "sea.jpg": "two boats at sea", "cup.jpg": "a cup on a table"}


@pytest.fixture
def references(tmp_path: Path) -> Path:
    path = tmp_path / "people.csv"
    rows = [
        f'{name},"{sentence}",{"val" if name != "cup.jpg" else "train"}' for name in PEOPLE for sentence in PEOPLE[name]
    ]
    path.write_text("\n".join(["image,caption,split", *rows]) + "\n")
    return path


def written(folder: Path, captions: dict[str, str]) -> Path:
    path = folder / "results.json"
    path.write_text(json.dumps([{"image_id": name, "caption": text} for name, text in captions.items()]))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["score", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_json_holds_the_scores_unscaled(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    status, out, _ = run(capsys, written(tmp_path, SAID), "--references", references, "--format", "json")
    assert status == 0
    expected = score_captions(PEOPLE, SAID).corpus
    assert json.loads(out) == {**expected, "photos": 3}


def test_the_table_is_times_a_hundred(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    status, out, _ = run(capsys, written(tmp_path, SAID), "--references", references)
    assert status == 0
    *lines, last = out.splitlines()
    shown = {name: float(value) for name, value in (line.split() for line in lines)}
    expected = score_captions(PEOPLE, SAID).corpus
    assert list(shown) == list(NAMES)
    assert shown == pytest.approx({name: 100 * value for name, value in expected.items()}, abs=0.0501)
    assert last == "×100, 3 photos"


def test_a_split_is_scored_alone(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    said = {name: SAID[name] for name in ("sea.jpg", "hill.jpg")}
    results = written(tmp_path, said)
    status, out, _ = run(capsys, results, "-r", references, "--split", "val", "-f", "json")
    assert status == 0
    assert json.loads(out)["CIDEr"] == score_captions({name: PEOPLE[name] for name in said}, said).corpus["CIDEr"]
    status, _, err = run(capsys, results, "-r", references)
    assert status == 1
    assert "--split val" in err


def test_missing_captions_stop_unless_allowed(tmp_path: Path, references: Path, capsys: pytest.CaptureFixture[str]):
    results = tmp_path / "results.jsonl"
    rows = [{"image": f"/x/{name}", "caption": text} for name, text in SAID.items()]
    rows[1] = {"image": "/x/sea.jpg", "error": "not a photo"}
    results.write_text("\n".join(map(json.dumps, rows)))
    status, out, err = run(capsys, results, "-r", references)
    assert (status, out) == (1, "")
    assert err.startswith("seetell: ")
    assert "1 photo of 3 without a caption, 'sea.jpg'" in err
    status, out, err = run(capsys, results, "-r", references, "--allow-missing", "-f", "json")
    assert status == 0
    assert json.loads(out)["photos"] == 2
    assert "1 of 3 photos have no caption and were left out" in err


def test_without_references_it_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    status, _, err = run(capsys, written(tmp_path, SAID))
    assert status == 2
    assert "--references" in err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]):
    status, out, _ = run(capsys, "--help")
    assert status == 0
    assert "Example: seetell score" in out
