"""Boxes in the pixels of a photo: ``xyxy``, the distances of a box's four edges from the photo's left and upper edge.

Edges lie between pixels, so that a box over the whole photo is ``(0, 0, width, height)`` and its area is ``(x1 - x0) *
(y1 - y0)``. All functions broadcast over the leading axes: ``iou(a[:, None], b)`` compares each of ``a`` with each of
``b``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
Boxes = npt.NDArray[np.floating]


def area(boxes: Boxes) -> Boxes:
    """Return the areas of boxes ``(…, 4)`` as ``(…)``; a box whose edges are crossed has none."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    covered: Boxes = sides[..., 0] * sides[..., 1]
    return covered


def iou(one: Boxes, other: Boxes) -> Boxes:
    """Return intersection over union.

    Args:
        one: ``(…, 4)``.
        other: ``(…, 4)``, of leading axes that broadcast with those of ``one``.

    Returns:
        From 0 to 1, ``(…)``; 0 where neither box has an area.
    """
    shared = _shared(one, other)
    covered = area(one) + area(other) - shared
    overlap: Boxes = np.divide(shared, covered, out=np.zeros_like(covered), where=covered > 0)
    return overlap


def nesting(one: Boxes, other: Boxes) -> Boxes:
    """Return how much of the smaller of two boxes lies in the other: intersection over the smaller area.

    Args:
        one: ``(…, 4)``.
        other: ``(…, 4)``, of leading axes that broadcast with those of ``one``.

    Returns:
        From 0 to 1, ``(…)``; 0 where one has no area.
    """
    shared, smaller = _shared(one, other), np.minimum(area(one), area(other))
    share: Boxes = np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0)
    return share


def _shared(one: Boxes, other: Boxes) -> Boxes:
    """Return the area of the intersection, ``(…)``."""
    upper_left = np.maximum(one[..., :2], other[..., :2])
    lower_right = np.minimum(one[..., 2:], other[..., 2:])
    return area(np.concatenate([upper_left, lower_right], axis=-1))


def enclosing(boxes: Boxes) -> Boxes:
    """Return the smallest box ``(4,)`` around boxes ``(N, 4)``, at least one."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def contains(boxes: Boxes, points: Boxes) -> npt.NDArray[np.bool_]:
    """Tell which boxes ``(…, 4)`` hold the points ``(…, 2)``, given as x and y; a point on an edge is inside."""
    inside: npt.NDArray[np.bool_] = np.all((boxes[..., :2] <= points) & (points <= boxes[..., 2:]), axis=-1)
    return inside


def suppressed(boxes: Boxes, scores: npt.NDArray[np.floating], *, overlap: float, most: int) -> npt.NDArray[np.intp]:
    """Keep the best of boxes that overlap too much (greedy non-maximum suppression).

    Args:
        boxes: ``(N, 4)``.
        scores: ``(N,)``; of equal ones the first is the better.
        overlap: the IoU with a better box that is kept, above which a box is dropped.
        most: how many are kept.

    Returns:
        The places of those kept, best first.
    """
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(left) and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[iou(boxes[best], boxes[left]) <= overlap]
    return np.array(kept, np.intp)
