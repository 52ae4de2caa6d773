"""Trackers of one object on sequences of OTB, beside OpenCV's, in one run: scores, and frames a second of one thread.

    .venv-dev/bin/python benchmarks/object_following.py tracking kcf asrcf my-siamfc opencv:kcf opencv:csrt

prints a JSON line for each tracker; with ``--markdown`` the rows of docs/reference/trackers.md, with what the papers
say beside them. Frames are decoded before; a tracker is given them one by one. Time is the processor's, of all threads.
OpenCV's trackers need ``opencv-contrib-python-headless``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from figures import machine

import seetell
from seetell.data.otb import OtbSequence, read_otb
from seetell.metrics.single_object import OnePassScores, mean_scores, one_pass_scores
from seetell.photos import open_photo
from seetell.regular_file import read_json
from seetell.tasks.single_object_tracking.tracker import follow

OPENCV = "opencv:"

PUBLISHED = {
    "mosse": "precision 0.431 (OTB-2013, in the paper of KCF)",
    "dcf": "precision 0.728 (OTB-2013)",
    "kcf": "precision 0.732 (OTB-2013)",
    "asrcf": "AUC 0.692 (OTB-2015)",
    "siamfc": "AUC 0.612 (OTB-2013)",
    "siamrpn": "AUC 0.637 (OTB-2015)",
    "siamrpn_plus_plus": "AUC 0.696 (OTB-2015)",
    "siammask": "–",
    "udt": "AUC 0.594 (OTB-2015)",
}
"""What the papers say of their trackers on the whole benchmark, 50 or 100 sequences."""

Follow = Callable[[Sequence[np.ndarray], tuple[float, float, float, float]], np.ndarray]


def follow_of(name: str) -> Follow:
    """Return what follows the box of the first frame: boxes ``(N, 4)`` ``xyxy``."""
    if name.startswith(OPENCV):
        return lambda frames, box: opencv_boxes(name.removeprefix(OPENCV), frames, box)
    follower = seetell.load(name, task="follow", threads=1)
    return lambda frames, box: np.array([found.box for found in follow(follower.tracker(), frames, box)])


def opencv_boxes(kind: str, frames: Sequence[np.ndarray], box: tuple[float, float, float, float]) -> np.ndarray:
    """Follow with OpenCV; a frame in which it has lost the object has the last box."""
    import cv2

    cv2.setNumThreads(1)
    tracker = {"kcf": "TrackerKCF", "csrt": "TrackerCSRT"}[kind]
    tracker = getattr(cv2, tracker).create()
    left, upper, right, lower = (round(edge) for edge in box)
    tracker.init(np.ascontiguousarray(frames[0][:, :, ::-1]), (left, upper, right - left, lower - upper))
    boxes = [(left, upper, right, lower)]
    for frame in frames[1:]:
        found, (x, y, width, height) = tracker.update(np.ascontiguousarray(frame[:, :, ::-1]))
        boxes.append((x, y, x + width, y + height) if found else boxes[-1])
    return np.array(boxes, np.float64)


def measure(name: str, sequences: Sequence[tuple[OtbSequence, list[np.ndarray]]], runs: int) -> dict[str, Any]:
    """Follow every sequence several times; return scores and the best pace."""
    follower, paces = follow_of(name), []
    scores: dict[str, OnePassScores] = {}
    for _ in range(runs):
        started = time.process_time()
        for sequence, frames in sequences:
            left, upper, right, lower = (float(edge) for edge in sequence.boxes[0])
            scores[sequence.name] = one_pass_scores(sequence.boxes, follower(frames, (left, upper, right, lower)))
        paces.append(sum(len(frames) for _, frames in sequences) / (time.process_time() - started))
    mean = mean_scores(scores)
    return {"tracker": name, **mean.to_dict(), "fps": round(max(paces), 1)}


def architecture_of(name: str) -> str:
    """Return the name by which a tracker's published scores are listed."""
    path = Path(name)
    return str(read_json(path / "model.json")["architecture"]) if (path / "model.json").is_file() else name


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a sequence, or a folder of sequences, of OTB")
    parser.add_argument("trackers", nargs="+", help="kcf and the like, bundles, opencv:kcf, opencv:csrt")
    parser.add_argument("--runs", type=int, default=2, help="the best pace of so many is told")
    parser.add_argument("--markdown", action="store_true", help="print the rows of a table")
    given = parser.parse_args()
    sequences = [(each, [np.asarray(open_photo(path)) for path in each.frames]) for each in read_otb(given.data)]
    for name in given.trackers:
        row = measure(name, sequences, given.runs)
        if given.markdown:
            scores = f"{row['success_auc']:.3f} | {row['precision_20px']:.3f} | {row['fps']:.0f}"
            print(f"| {Path(name).name} | {scores} | {PUBLISHED.get(architecture_of(name), '–')} |", flush=True)
        else:
            print(json.dumps({**row, "machine": machine(1)}), flush=True)


if __name__ == "__main__":
    main()
