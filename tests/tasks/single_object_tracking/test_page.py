"""The commands of docs/how-to/follow-an-object.md, on small data."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from seetell.cli.main import main

PAGE = (Path(__file__).parents[3] / "docs" / "how-to" / "follow-an-object.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(frames: Path, film, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page names: some frames of a walk, and a sequence of OTB."""
    for place in (tmp_path / "walk", tmp_path / "sequences" / "Walk" / "img"):
        place.mkdir(parents=True)
        for number in range(4):
            shutil.copy(frames / f"{number:02}.png", place)
    lines = [f"{x + 1},{y + 1},{right - x},{lower - y}" for x, y, right, lower in film.boxes[:4]]
    (tmp_path / "sequences" / "Walk" / "groundtruth_rect.txt").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(first: str) -> list[list[str]]:
    """The arguments of the commands of the block that begins so."""
    (block,) = re.findall(rf"```bash\n({re.escape(first)}.*?)```", PAGE, re.DOTALL)
    return [shlex.split(line)[1:] for line in block.splitlines()]


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    assert not ended.value.code, err
    return out


@pytest.mark.slow
def test_the_commands_of_the_page(folder: Path, capsys: pytest.CaptureFixture[str]):
    text, table, rows = (printed(command, capsys) for command in commands("seetell follow"))
    assert text.startswith("walk/\tobject 1: 0:00")
    assert [line["text"] for line in csv.DictReader(io.StringIO(table))] == ["ball"] * 4
    assert json.loads(rows)["model"] == "asrcf"


def test_the_python_of_the_page(folder: Path, capsys: pytest.CaptureFixture[str]):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(block, {})
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_the_evaluation_of_the_page(folder: Path, capsys: pytest.CaptureFixture[str]):
    scores, _ = (json.loads(printed(command, capsys)) for command in commands("seetell evaluate kcf"))
    assert {"success_auc", "precision_20px", "fps"} <= scores.keys()
    assert json.loads((folder / "boxes.jsonl").read_text())["video"] == "Walk"


@pytest.mark.nightly
def test_the_page_trains_a_network(
    folder: Path, photos: Path, small_encoder: dict[str, str], capsys: pytest.CaptureFixture[str], one_registry: None
):
    shutil.copytree(photos, folder / "my_photos")
    done = []
    for command in commands("seetell train entities-siamfc"):
        if command[0] == "train":
            settings = [f"encoder.{name}={value}" for name, value in small_encoder.items()]
            settings += [
                "steps=4",
                "single_object_tracking.pairs.count=8",
                "validation.photos=4",
                "schedule.decay=none",
            ]
            command += [word for setting in settings for word in ("--set", setting)]
        done.append(printed(command, capsys))
    assert json.loads(done[2])["precision_20px"] >= 0
    assert done[3].startswith("walk/\tobject 1")
