"""What is in each frame: found by a detector, or read from a file of detections."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seetell.data.mot_challenge import read_mot
from seetell.geometry.boxes import area
from seetell.results import Regions
from seetell.tasks.tracking.detections import Detections
from seetell.video.frames import Frame

MOST = 100
"""Detections of a frame that are looked at, those of highest score."""

PERSON = "person"
"""The label of what files of MOT challenge detect."""


class Found(NamedTuple):
    """A frame, and what is in it."""

    frame: Frame
    detections: Detections


def by_detector(
    detector: Any, frames: Iterable[Frame], *, threshold: float, only: frozenset[str] = frozenset()
) -> Iterator[Found]:
    """Yield frames with what a detector finds; it works on some frames at once, and opens the next meanwhile.

    Args:
        detector: a predictor of object detection.
        frames: of a video.
        threshold: least score.
        only: the labels that are wanted; all where it is empty.
    """
    waiting: deque[Frame] = deque()

    def images() -> Iterator[np.ndarray]:
        for frame in frames:
            waiting.append(frame)
            yield frame.image

    for result in detector.predict_many(images(), threshold=threshold, top=MOST):
        found = _of_regions(result, only) if isinstance(result, Regions) else Detections.none()
        yield Found(waiting.popleft(), found)


def by_file(path: Path, frames: Iterable[Frame]) -> Iterator[Found]:
    """Yield frames with the detections that a file of MOT challenge has of them, all of persons.

    Raises:
        DataError: the file cannot be used.
    """
    found = public_detections(path)
    for frame in frames:
        yield Found(frame, found[frame.index] if frame.index < len(found) else Detections.none())


def public_detections(path: Path) -> list[Detections]:
    """Return the detections of each frame of a file of MOT challenge, all of persons.

    Raises:
        DataError: the file cannot be used.
    """
    table = read_mot(path)
    return [
        Detections(part.boxes, part.scores, np.full(len(part), PERSON))[area(part.boxes) > 0]
        for part in table.by_frame(table.frame_count)
    ]


def _of_regions(regions: Regions, only: frozenset[str]) -> Detections:
    kept = [region for region in regions if not only or region.text in only]
    boxes = np.array([region.box for region in kept], np.float64).reshape(-1, 4)
    labels = np.array([region.text for region in kept], "U") if kept else np.empty(0, "U1")
    found = Detections(boxes, np.array([region.score for region in kept], np.float64), labels)
    return found[area(boxes) > 0]
