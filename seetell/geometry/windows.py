"""Regions of an image as fixed windows over an encoder's grid, the whole image first.

Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015) took the whole image and 19 boxes of a detector. Windows need
no detector, and a window's features are the mean of the grid's, so that an image is encoded once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.errors import RecipeError


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
