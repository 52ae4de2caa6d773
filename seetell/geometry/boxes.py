"""Boxes as ``xyxy`` in pixels of the image: left, top, right and bottom edge, from the image's upper left corner.

Edges lie between pixels: a box over the whole image is ``(0, 0, width, height)``, and the area of a box ``(x1 - x0) *
(y1 - y0)``. All functions broadcast over the leading axes: ``iou(a[:, None], b)`` compares each of ``a`` with each of
``b``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
Boxes = npt.NDArray[np.floating]


def area(boxes: Boxes) -> Boxes:
    """Return the areas of boxes ``(…, 4)`` as ``(…)``, in square pixels; 0 for a box with crossed edges."""
    sides = np.maximum(boxes[..., 2:] - boxes[..., :2], 0.0)
    covered: Boxes = sides[..., 0] * sides[..., 1]
    return covered


def iou(one: Boxes, other: Boxes) -> Boxes:
    """Return intersection over union.

    Args:
        one: ``(…, 4)``.
        other: ``(…, 4)``, with leading axes that broadcast with those of ``one``.

    Returns:
        ``(…)`` in [0, 1]; 0 where neither box has an area.
    """
    shared = _shared(one, other)
    covered = area(one) + area(other) - shared
    overlap: Boxes = np.divide(shared, covered, out=np.zeros_like(covered), where=covered > 0)
    return overlap


def intersection_over_smaller(one: Boxes, other: Boxes) -> Boxes:
    """Return the area of the intersection over that of the smaller box.

    Args:
        one: ``(…, 4)``.
        other: ``(…, 4)``, with leading axes that broadcast with those of ``one``.

    Returns:
        ``(…)`` in [0, 1]; 0 where one has no area.
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
    """Return the smallest box ``(4,)`` around ``N`` ≥ 1 boxes ``(N, 4)``."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def flip_boxes(boxes: Boxes, *, width: float) -> Boxes:
    """Return boxes ``(…, 4)`` mirrored left to right in an image of that width."""
    flipped: Boxes = np.stack([width - boxes[..., 2], boxes[..., 1], width - boxes[..., 0], boxes[..., 3]], axis=-1)
    return flipped


def contains(boxes: Boxes, points: Boxes) -> npt.NDArray[np.bool_]:
    """Return whether boxes ``(…, 4)`` contain points ``(…, 2)`` of x and y; a point on an edge is inside."""
    inside: npt.NDArray[np.bool_] = np.all((boxes[..., :2] <= points) & (points <= boxes[..., 2:]), axis=-1)
    return inside


def nms(
    boxes: Boxes, scores: npt.NDArray[np.floating], *, iou_threshold: float, max_boxes: int
) -> npt.NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        boxes: ``(N, 4)``.
        scores: ``(N,)``; ties keep the order of the boxes.
        iou_threshold: a box is dropped if its IoU with a kept box of higher score exceeds this.
        max_boxes: largest number of boxes kept.

    Returns:
        Indices of the kept boxes, highest score first.
    """
    remaining = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(remaining) and len(kept) < max_boxes:
        best, remaining = remaining[0], remaining[1:]
        kept.append(int(best))
        remaining = remaining[iou(boxes[best], boxes[remaining]) <= iou_threshold]
    return np.array(kept, np.intp)
