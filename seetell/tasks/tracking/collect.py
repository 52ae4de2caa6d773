"""From what is seen in each frame to tracks: numbers that count up, gaps filled, short ones left out."""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from seetell.results import Track
from seetell.tasks.tracking.detections import Seen


@dataclass
class _Points:
    """Of a target, the frames in which it is seen, in 56 bytes each, since films may last for hours."""

    frames: array[int] = field(default_factory=lambda: array("q"))
    seconds: array[float] = field(default_factory=lambda: array("d"))
    boxes: array[float] = field(default_factory=lambda: array("d"))
    scores: array[float] = field(default_factory=lambda: array("d"))
    labels: Counter[str] = field(default_factory=Counter)
    told: bool = False


class Collector:
    """Takes what a tracker sees frame by frame.

    Args:
        from_first: tell a target in the frames before it was confirmed too, which nobody knew then.
    """

    def __init__(self, *, from_first: bool) -> None:
        self._from_first = from_first
        self._points: dict[int, _Points] = {}

    def add(self, frame: int, seconds: float, seen: Seen) -> None:
        """Take what is seen in a frame."""
        for number, box, score, label, confirmed in zip(
            seen.ids.tolist(),
            seen.boxes.tolist(),
            seen.scores.tolist(),
            seen.labels.tolist(),
            seen.confirmed.tolist(),
            strict=True,
        ):
            if not (confirmed or self._from_first):
                continue
            points = self._points.setdefault(number, _Points())
            points.frames.append(frame)
            points.seconds.append(seconds)
            points.boxes.extend(box)
            points.scores.append(score)
            points.labels[label] += 1
            points.told |= confirmed

    def __len__(self) -> int:
        """Return how many objects there are, of any length."""
        return sum(points.told for points in self._points.values())

    def tracks(self, *, gap: int = 0, shortest: int = 1) -> tuple[Track, ...]:
        """Return the tracks in the order in which they are first seen, numbered from 1.

        Args:
            gap: frames without a target, at most, that are filled: its boxes go straight from one end to the other.
            shortest: frames in which a target is seen, at least.
        """
        told = [points for points in self._points.values() if points.told and len(points.frames) >= shortest]
        told.sort(key=lambda points: points.frames[0])
        return tuple(_track(number, points, gap) for number, points in enumerate(told, 1))


def _track(number: int, points: _Points, gap: int) -> Track:
    frames = np.array(points.frames)
    missing = np.diff(frames) - 1
    inside = [
        np.arange(frame + 1, frame + 1 + count)
        for frame, count in zip(frames[:-1], missing, strict=True)
        if 0 < count <= gap
    ]
    every = np.sort(np.concatenate([frames, *inside]))
    boxes = np.array(points.boxes).reshape(-1, 4)

    def filled(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(every, frames, values))

    (label, _), *_ = points.labels.most_common(1)
    return Track(
        number,
        label,
        every,
        filled(np.array(points.seconds)),
        np.column_stack([filled(edge) for edge in boxes.T]),
        filled(np.array(points.scores)),
    )
