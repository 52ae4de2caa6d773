"""What every tracker of one object is: it is shown the object once, and finds it in one frame after another.

>>> from seetell.tasks.single_object_tracking.filters.kcf import Kcf
>>> tracker = Kcf()
>>> tracker.start(frames[0], (205, 151, 222, 201))
>>> tracker.update(frames[1])
Located(box=(202.1, 149.8, 219.1, 199.8), score=0.83)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from seetell.errors import UsageError
from seetell.geometry.boxes import Box

LEAST_SIDE = 4.0
"""Pixels of a side of a box that can be followed."""


class Located(NamedTuple):
    """Where the object is in a frame.

    Attributes:
        box: ``xyxy`` in pixels of the frame.
        score: how sure the tracker is, from 0 to 1; comparable between frames of one tracker.
        mask: the object's pixels, ``(H, W)`` bool, of trackers that segment.
    """

    box: Box
    score: float
    mask: np.ndarray | None = None


class ObjectTracker(ABC):
    """Follows one object from frame to frame.

    Attributes:
        name: of the method or the bundle.
    """

    name: str

    @abstractmethod
    def start(self, image: np.ndarray, box: Box) -> Located:
        """Learn what to follow.

        Args:
            image: the first frame, ``(H, W, 3)`` uint8 RGB.
            box: of the object, ``xyxy`` in its pixels.

        Returns:
            What of the box is within the frame, with a score of 1.

        Raises:
            UsageError: the box is too small, or hardly within the frame.
        """

    @abstractmethod
    def update(self, image: np.ndarray) -> Located:
        """Find the object in the next frame, of the same size; and learn from it, if the method does."""


def check_box(box: Box, image: np.ndarray) -> Box:
    """Return the part of a box that is within a frame, if it can be followed.

    Args:
        box: ``xyxy`` in pixels.
        image: ``(H, W, 3)``.

    Raises:
        UsageError: it cannot.
    """
    height, width = image.shape[:2]
    if not np.isfinite(box).all():
        raise UsageError(f"box: expected four numbers, got {box}")
    left, upper = max(box[0], 0.0), max(box[1], 0.0)
    right, lower = min(box[2], float(width)), min(box[3], float(height))
    if right - left < LEAST_SIDE or lower - upper < LEAST_SIDE:
        raise UsageError(
            f"box: expected one of at least {LEAST_SIDE:g} × {LEAST_SIDE:g} pixels within the frame of "
            f"{width} × {height}, got left {box[0]:g}, top {box[1]:g}, right {box[2]:g}, bottom {box[3]:g}"
        )
    return left, upper, right, lower


def follow(tracker: ObjectTracker, frames: Iterable[np.ndarray], box: Box) -> Iterator[Located]:
    """Follow an object through frames.

    Args:
        tracker: of any kind.
        frames: each ``(H, W, 3)`` uint8; they may be endless.
        box: of the object in the first one.

    Yields:
        Where it is in each frame.

    Raises:
        UsageError: see :meth:`ObjectTracker.start`.
    """
    for number, image in enumerate(frames):
        yield tracker.update(image) if number else tracker.start(image, box)
