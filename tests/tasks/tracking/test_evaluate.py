from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import seetell
from seetell.data.mot_challenge import MotTable
from seetell.errors import DataError, UsageError
from seetell.results import Track
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.tracking.evaluate import compared, evaluate
from seetell.tasks.tracking.predict import ObjectTracker


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """Two walkers in 20 frames, both detected, one of them not in four frames; no pictures."""
    truth, found = [], []
    for frame in range(1, 21):
        for number, (left, top) in enumerate(((10 + 3 * frame, 20), (200 - 4 * frame, 100)), 1):
            truth.append(f"{frame},{number},{left},{top},20,40,1,-1,-1,-1")
            if number == 1 or not 9 <= frame <= 12:
                found.append(f"{frame},-1,{left + 1},{top},20,40,0.9,-1,-1,-1")
    for name, lines in (("gt/W/gt.txt", truth), ("det/W/det/det.txt", found)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def tracker() -> ObjectTracker:
    return ObjectTracker("none", lambda: None, threads=1)


def test_scores_of_public_detections(walk: Path):
    done: list[tuple[str, int, int]] = []
    evaluation = evaluate(tracker(), DataOptions(walk), progress=lambda *each: done.append(each))
    scores = evaluation.scores
    assert (scores["FN"], scores["FP"], scores["switches"], scores["frames"]) == (4, 0, 0, 20)
    assert scores["MOTA"] == pytest.approx(36 / 40)
    assert scores["IDF1"] == pytest.approx(72 / 76)
    assert scores["MOTP"] == pytest.approx(19 / 21, abs=2e-3)
    assert [*evaluation.details["videos"]] == ["W"]
    assert {row["video"] for row in evaluation.rows} == {"W"}
    assert done == [("following", 1, 1)]
    filled = evaluate(tracker(), DataOptions(walk), fill=1.0).scores
    assert (filled["FN"], filled["MOTA"]) == (0, 1)
    sort = evaluate(tracker(), DataOptions(walk), tracker="sort").scores
    assert sort["switches"] == 1


def test_what_cannot_be_scored(walk: Path):
    with pytest.raises(UsageError, match="deepsort looks at pictures, and W has none"):
        evaluate(tracker(), DataOptions(walk), tracker="deepsort")
    (walk / "det/W/det/det.txt").unlink()
    with pytest.raises(DataError, match="neither public detections nor pictures"):
        evaluate(tracker(), DataOptions(walk))


def test_distractors_are_neither_found_nor_false():
    boxes = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]])
    truth = MotTable(np.zeros(4, np.int64), np.arange(4), boxes, np.array([1.0, 0, 1, 1]), np.array([1, 1, 8, 3]))
    tracks = tuple(
        Track(number + 1, "person", np.zeros(1, np.int64), np.zeros(1), box[None], np.ones(1))
        for number, box in enumerate(boxes)
    )
    (pair,) = compared(truth, tracks, 1)
    assert pair.true.tolist() == [0]  # a pedestrian that counts
    assert pair.found.tolist() == [1, 2, 4]  # all but that on the distractor


@pytest.mark.slow
def test_sort_has_its_published_row(shared_data: Path):
    if not (shared_data / "mot15").is_dir():
        pytest.skip("needs the files of MOT challenge 2015")
    tracks = seetell.load("track")
    scores = evaluate(tracks, DataOptions(shared_data / "mot15"), tracker="sort").details["videos"]["TUD-Campus"]
    named = ("recall", "precision", "MOTA", "MOTP")
    assert [round(100 * scores[name], 1) for name in named] == pytest.approx([68.5, 94.3, 62.7, 73.7], abs=0.06)
    assert [scores[name] for name in ("MT", "ML", "FP", "FN", "switches", "fragments")] == [6, 0, 15, 113, 6, 9]
    online = evaluate(tracks, DataOptions(shared_data / "mot15"), tracker="sort").scores
    batch = evaluate(tracks, DataOptions(shared_data / "mot15"), tracker="min_cost_flow").scores
    assert batch["MOTA"] >= online["MOTA"]
    assert batch["IDF1"] >= online["IDF1"]
