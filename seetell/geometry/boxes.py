"""Boxes as ``xyxy`` in pixels of the image: left, top, right and bottom edge, from the image's upper left corner.

Edges lie between pixels: a box over the whole image is ``(0, 0, width, height)``, and the area of a box ``(x1 - x0) *
(y1 - y0)``. Functions of boxes broadcast over the leading axes: ``iou(a[:, None], b)`` compares each of ``a`` with each
of ``b``.

Windows are fixed boxes over an encoder's grid, the whole image first. Deep Visual-Semantic Alignments (Karpathy &
Fei-Fei, 2015) took the whole image and 19 boxes of a detector; windows need no detector, and a window's features are
the mean of the grid's, so that an image is encoded once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seetell.errors import RecipeError

Box = tuple[float, float, float, float]
Boxes = npt.NDArray[np.floating]

CANDIDATES = 1000
"""Boxes of an image that are compared by :func:`nms_per_class`, those of highest score."""


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


def clipped(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """Return the parts of boxes ``(..., 4)`` that are within an image of that width and height."""
    within: Boxes = np.clip(boxes, 0, np.tile(size, 2))
    return within


def in_pixels(boxes: Boxes, *, visible: Box) -> Boxes:
    """Return boxes ``(..., 4)``, normalised over the visible part of an image, in pixels of the image, float64."""
    left, top, right, bottom = visible
    extent, origin = np.tile([right - left, bottom - top], 2), np.tile([left, top], 2)
    placed: Boxes = boxes.astype(np.float64) * extent + origin
    return placed


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
    order = np.argsort(-scores, kind="stable")
    edges = np.ascontiguousarray(boxes[order].T)  # a box is compared with all that remain, side by side
    covered = area(boxes[order])
    kept: list[int] = []
    with np.errstate(invalid="ignore"):  # of two boxes without an area
        while len(order) and len(kept) < max_boxes:
            kept.append(int(order[0]))
            left, top, right, bottom = edges[:, 0]
            width = np.minimum(edges[2, 1:], right) - np.maximum(edges[0, 1:], left)
            height = np.minimum(edges[3, 1:], bottom) - np.maximum(edges[1, 1:], top)
            shared = np.maximum(width, 0.0) * np.maximum(height, 0.0)
            apart = ~(shared / (covered[0] + covered[1:] - shared) > iou_threshold)
            order, covered, edges = order[1:][apart], covered[1:][apart], edges[:, 1:][:, apart]
    return np.array(kept, np.intp)


def nms_per_class(
    boxes: Boxes, scores: npt.NDArray[np.floating], *, threshold: float, iou_threshold: float, max_boxes: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Greedy non-maximum suppression among the boxes of each class; a box may be kept for several classes.

    Args:
        boxes: finite, ``(N, 4)``, or one for each class, ``(N, K, 4)``.
        scores: of each box for each class, ``(N, K)``.
        threshold: least score.
        iou_threshold: see :func:`nms`.
        max_boxes: largest number of boxes kept of all classes; no more than ``CANDIDATES`` are compared.

    Returns:
        Indices of the kept boxes ``(M,)`` and their classes ``(M,)``, highest score first. Boxes without an area are
        not among them.
    """
    covered = area(boxes) > 0
    rows, classes = np.nonzero((scores >= threshold) & (covered if boxes.ndim == 3 else covered[:, None]))
    best = np.argsort(-scores[rows, classes], kind="stable")[: max(CANDIDATES, max_boxes)]
    rows, classes = rows[best], classes[best]
    chosen = boxes_of(boxes, rows, classes).astype(np.float64)
    if len(chosen):  # classes side by side, so that none overlaps another
        chosen += (classes * (chosen.max() - chosen.min() + 1))[:, None]
    kept = nms(chosen, scores[rows, classes], iou_threshold=iou_threshold, max_boxes=max_boxes)
    return rows[kept], classes[kept]


def boxes_of(boxes: Boxes, rows: npt.NDArray[np.intp], classes: npt.NDArray[np.intp]) -> Boxes:
    """Return the boxes ``(M, 4)`` of some rows for some classes ``(M,)`` of :func:`nms_per_class`."""
    return boxes[rows, classes] if boxes.ndim == 3 else boxes[rows]


def select_proposals(
    boxes: Boxes, logits: npt.NDArray[np.floating], *, compared: int, iou_threshold: float, max_boxes: int
) -> npt.NDArray[np.intp]:
    """Choose proposals of an image, as region proposal networks do.

    Args:
        boxes: moved anchors, ``(A, 4)``.
        logits: of their objectness, ``(A,)``.
        compared: that enter non-maximum suppression, those of highest score.
        iou_threshold: see :func:`nms`.
        max_boxes: largest number kept.

    Returns:
        Indices of the proposals, highest score first. Boxes without an area are not among them.
    """
    best = np.argsort(-logits, kind="stable")[:compared]
    best = best[area(boxes[best]) > 0]
    return best[nms(boxes[best], logits[best], iou_threshold=iou_threshold, max_boxes=max_boxes)]


def window_boxes(levels: Sequence[int]) -> np.ndarray:
    """Return the boxes of windows over an image.

    Args:
        levels: an entry ``n`` adds ``n × n`` equal windows, each overlapping its neighbours by half: their sides are
            2 / (n + 1) of the image's.

    Returns:
        Boxes ``(R, 4)`` float64, xyxy normalised to [0, 1]; the whole image first, then each level row by row.

    Raises:
        RecipeError: a level is below 2; one window is the whole image, which is included already.
    """
    boxes = [(0.0, 0.0, 1.0, 1.0)]
    for across in levels:
        if across < 2:
            raise RecipeError(f"windows: expected levels of 2 or more windows across, got {across}")
        side = 2 / (across + 1)
        corners = [place * side / 2 for place in range(across)]
        boxes += [(left, top, left + side, top + side) for top in corners for left in corners]
    return np.array(boxes)


def pooling_weights(boxes: np.ndarray, grid_size: tuple[int, int]) -> np.ndarray:
    """Return the share of each window that each location of a grid covers.

    Args:
        boxes: ``(R, 4)`` xyxy normalised to [0, 1], none of them empty.
        grid_size: rows and columns of the grid, which divide the image into equal cells.

    Returns:
        Weights ``(R, L)`` float32, locations row by row; each row sums to 1. Their product with a grid ``(L, D)`` is
        the mean of the grid over each window.
    """
    areas = overlaps(boxes, grid_size)
    weights: np.ndarray = areas / areas.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def overlaps(boxes: np.ndarray, grid_size: tuple[int, int]) -> np.ndarray:
    """Return the area that boxes ``(R, 4)`` share with each location of a grid, ``(R, L)``; the image's area is 1."""
    rows, columns = grid_size
    down = _lengths(boxes[:, 1], boxes[:, 3], rows)
    across = _lengths(boxes[:, 0], boxes[:, 2], columns)
    areas: np.ndarray = (down[:, :, None] * across[:, None, :]).reshape(len(boxes), rows * columns)
    return areas


def _lengths(begin: np.ndarray, end: np.ndarray, parts: int) -> np.ndarray:
    """Return the lengths ``(R, parts)`` that intervals share with each of the equal parts of 0 to 1."""
    edges = np.linspace(0, 1, parts + 1)
    shared: np.ndarray = np.minimum(end[:, None], edges[1:]) - np.maximum(begin[:, None], edges[:-1])
    return shared.clip(min=0)
