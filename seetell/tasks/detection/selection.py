"""Which of the objects that were found are told: limits that all detectors share."""

from __future__ import annotations

from seetell.errors import UsageError

TOP = 20
SAME_PLACE_IOU = 0.8
"""Of two boxes of any classes that overlap more, the one of higher score is told: one object is of one class."""


def check_selection(*, threshold: float, top: int, same_place_iou: float) -> None:
    """Check the options of a detector.

    Raises:
        UsageError: one is out of its range.
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"threshold must be from 0 to 1, got {threshold}")
    if top < 1:
        raise UsageError(f"top must be at least 1, got {top}")
    if not 0 <= same_place_iou <= 1:
        raise UsageError(f"same_place_iou must be from 0 to 1, got {same_place_iou}")
