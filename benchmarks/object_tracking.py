"""Trackers of many objects: how fast they are on a film, and their scores on videos of MOT challenge.

    python benchmarks/object_tracking.py speed walk.avi --threads 2

prints one JSON line: frames a second with detection, and of each tracker alone, on detections that are there already;
by the clock, and by the seconds of the processor, which are the same on a busy machine.

    python benchmarks/object_tracking.py scores mot15

prints Markdown: a row for each tracker, on the public detections of the videos that have ground truth.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from figures import machine, summary

import seetell
from seetell.tasks.evaluation import DataOptions
from seetell.tasks.tracking.detect import by_detector
from seetell.tasks.tracking.evaluate import evaluate
from seetell.tasks.tracking.follow import Placed, follow
from seetell.tasks.tracking.trackers import LEAST
from seetell.video.frames import open_video

ALONE = ("sort", "bytetrack", "min_cost_flow")
"""Trackers that need no pictures."""

ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SORT, online", {"tracker": "sort"}),
    ("ByteTrack, online", {"tracker": "bytetrack"}),
    ("ByteTrack, gaps filled", {"tracker": "bytetrack", "fill": 0.8}),
    ("min-cost flow, batch", {"tracker": "min_cost_flow"}),
    ("min-cost flow, gaps filled", {"tracker": "min_cost_flow", "fill": 2.0}),
)
NAMES = ("MOTA", "MOTP", "IDF1", "HOTA", "switches", "fragments", "FP", "FN")

PUBLISHED = {"MOTA": 62.7, "MOTP": 73.7, "switches": 6, "fragments": 9, "FP": 15, "FN": 113}
"""SORT's row for TUD-Campus, with these detections: github.com/abewley/sort, README."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "scores"])
    parser.add_argument("data", type=Path, help="a film for speed, a folder of MOT challenge for scores")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--frames", type=int, default=300, help="of the film, at most")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.what == "scores":
        print("\n".join(score_rows(options.data)))
    else:
        print(json.dumps(speed(options.data, options.threads, options.frames, options.runs)))


def speed(film: Path, threads: int, count: int, runs: int) -> dict[str, Any]:
    """Return frames a second, and how many times faster than the film that is."""
    described = machine(threads)
    model = seetell.load("track", threads=threads)
    with open_video(film, threads=threads) as video:
        fps = video.fps
        frames = (frame for frame, _ in zip(video, range(count), strict=False))
        found = [
            Placed(frame.index, frame.seconds, detections)
            for frame, detections in by_detector(model.detector, frames, threshold=LEAST)
        ]
    images = [frame.image for frame, _ in zip(open_video(film), range(min(count, 100)), strict=False)]
    whole = [_timed(lambda: model.predict(images), len(images)) for _ in range(runs + 1)][1:]
    figures = {"frames": len(found), "film_fps": fps, "with_detection": _both(whole)}
    for name in ALONE:
        wanted = model.wanted(tracker=name)
        sure = [_above(placed, wanted.threshold) for placed in found] if name != "bytetrack" else found
        alone = partial(follow, sure, wanted, fps=fps)
        runs_alone = [_timed(alone, len(sure)) for _ in range(runs + 1)][1:]
        figures[name] = {**_both(runs_alone), "times_real": round(_both(runs_alone)["processor_fps"]["median"] / fps)}
    return {**described, "model": model.name, **figures}


def _above(placed: Placed, threshold: float) -> Placed:
    return placed._replace(detections=placed.detections[placed.detections.scores >= threshold])


def _timed(work: Any, frames: int) -> tuple[float, float]:
    """Return frames a second by the processor, and by the clock."""
    used, began = time.process_time(), time.perf_counter()
    work()
    return frames / (time.process_time() - used), frames / (time.perf_counter() - began)


def _both(runs: list[tuple[float, float]]) -> dict[str, Any]:
    return {"processor_fps": summary([run[0] for run in runs]), "fps": summary([run[1] for run in runs])}


def score_rows(data: Path) -> Iterator[str]:
    """Yield the lines of a table of scores; of TUD-Campus, then of all videos."""
    model = seetell.load("track")
    scored = {name: evaluate(model, DataOptions(data), **options) for name, options in ROWS}
    yield f"| TUD-Campus | {' | '.join(NAMES)} |"
    yield f"|---|{'---|' * len(NAMES)}"
    yield _row(
        "SORT, as published",
        {name: value / 100 if isinstance(value, float) else value for name, value in PUBLISHED.items()},
    )
    for name, evaluation in scored.items():
        yield _row(name, evaluation.details["videos"]["TUD-Campus"])
    yield ""
    yield f"| all videos | {' | '.join(NAMES)} |"
    yield f"|---|{'---|' * len(NAMES)}"
    for name, evaluation in scored.items():
        yield _row(name, evaluation.scores)


def _row(name: str, scores: dict[str, Any]) -> str:
    shown = [
        f"{100 * scores[key]:.1f}" if isinstance(scores.get(key), float) else str(scores.get(key, "–")) for key in NAMES
    ]
    return f"| {name} | {' | '.join(shown)} |"


if __name__ == "__main__":
    main()
