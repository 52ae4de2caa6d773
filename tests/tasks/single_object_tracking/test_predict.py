"""The command, the results and the evaluation, with trackers that need no model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seetell
from seetell.cli.main import main
from seetell.errors import UsageError
from seetell.geometry.boxes import iou
from seetell.tasks.registry import find_task
from seetell.tasks.single_object_tracking.predict import FILTERS, parse_box


@pytest.fixture(scope="module")
def sequence(film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The film in the layout of OTB."""
    folder = tmp_path_factory.mktemp("otb") / "Blotch"
    (folder / "img").mkdir(parents=True)
    for number, frame in enumerate(film.frames, 1):
        Image.fromarray(frame).save(folder / "img" / f"{number:04}.png")
    lines = [f"{x + 1:g},{y + 1:g},{right - x:g},{lower - y:g}" for x, y, right, lower in film.boxes]
    (folder / "groundtruth_rect.txt").write_text("\n".join(lines))
    return folder


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def as_option(box: tuple[float, ...]) -> str:
    return f"{box[0]:g},{box[1]:g},{box[2] - box[0]:g},{box[3] - box[1]:g}"


def test_every_filter_has_a_name():
    assert [*find_task("follow").without_model] == [*FILTERS]


@pytest.mark.parametrize("name", FILTERS)
def test_they_are_loaded_by_name(name: str, film):
    tracks = seetell.load(name, task="follow").predict(film.frames[:3], box=as_option(film.box), text="thing")
    (track,) = tracks
    assert (track.id, track.text, tracks.model, tracks.frame_count) == (1, "thing", name, 3)
    assert track.frames.tolist() == [0, 1, 2]
    assert track.boxes[0].tolist() == pytest.approx(list(film.box))
    assert track.scores[0] == 1


@pytest.mark.slow
def test_the_command(film, sequence: Path, capsys: pytest.CaptureFixture[str]):
    assert run("follow", str(sequence / "img"), "--box", as_option(film.box), "--format", "jsonl") == 0
    row = json.loads(capsys.readouterr().out)
    (track,) = row["tracks"]
    assert iou(np.array(track["boxes"]), film.boxes).min() > 0.7
    assert row["model"] == "kcf"


def test_without_a_box_the_command_says_what_it_expects(sequence: Path, capsys: pytest.CaptureFixture[str]):
    assert run("follow", str(sequence / "img")) == 2
    assert "box: expected left, top, width and height of the object" in capsys.readouterr().err


@pytest.mark.parametrize("box", ["", "1,2,3", "1,2,0,4", "a,b,c,d", "1,2,inf,4", (1, 2, -3, 4)])
def test_what_is_no_box_is_refused(box):
    with pytest.raises(UsageError, match="box: expected left, top, width and height"):
        parse_box(box)


@pytest.mark.slow
def test_it_is_evaluated_on_sequences(sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    found = tmp_path / "found.jsonl"
    assert run("evaluate", "kcf", "--task", "follow", "--data", str(sequence.parent), "-o", str(found)) == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores["success_auc"] > 0.75
    assert scores["precision_20px"] == 1
    assert (scores["photos"], scores["sequences"], [*scores["sequence_scores"]]) == (16, 1, ["Blotch"])
    assert scores["fps"] > 0
    assert json.loads(found.read_text())["video"] == "Blotch"


def test_sequences_have_boxes_of_their_own(sequence: Path, capsys: pytest.CaptureFixture[str]):
    assert run("evaluate", "kcf", "--task", "follow", "--data", str(sequence), "--set", "box=1,2,3,4") == 2
    assert "sequences have their own" in capsys.readouterr().err


def test_filters_compare_no_channels(film):
    with pytest.raises(UsageError, match="kcf compares no channels"):
        seetell.load("kcf", task="follow").check(box=as_option(film.box), channels=0.5)
