"""Segmentation of an image by the graph of its pixels.

Felzenszwalb & Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004. Neighbouring pixels are joined by
edges that weigh as much as their colours differ. Edges are gone through from the lightest on; one between two segments
joins them if it weighs no more than the heaviest edge inside either, ``Int(C)``, plus ``k / |C|`` (equations 3 and 4).
So ``k`` is the scale: larger ones make larger segments. In the end segments of too few pixels are joined with a
neighbour.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

SIGMA = 0.8
"""Deviation in pixels of the Gaussian that smooths the image first (section 6)."""

Labels = npt.NDArray[np.int64]


def segment(image: np.ndarray, *, scale: float, least: int) -> Labels:
    """Segment an image.

    Args:
        image: ``(H, W, C)``, on the scale of 0 to 255.
        scale: ``k``.
        least: fewest pixels of a segment.

    Returns:
        The number of each pixel's segment, from 0 in the order of their first pixels, ``(H, W)``.
    """
    height, width = image.shape[:2]
    first, second, weights = _edges(smoothed(image.astype(np.float32), SIGMA))
    order = np.argsort(weights, kind="stable")
    heads, tails, costs = first[order].tolist(), second[order].tolist(), weights[order].tolist()
    parent, size = list(range(height * width)), [1] * (height * width)
    limit = [float(scale)] * (height * width)  # Int(C) + k / |C| of the segment whose root it is
    for one, other, cost in zip(heads, tails, costs, strict=True):
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        while parent[other] != other:
            parent[other] = other = parent[parent[other]]
        if one != other and cost <= limit[one] and cost <= limit[other]:
            if size[one] < size[other]:
                one, other = other, one
            parent[other] = one
            size[one] += size[other]
            limit[one] = cost + scale / size[one]
    roots = _roots(np.array(parent))
    between = np.flatnonzero(roots[first[order]] != roots[second[order]])  # the others lie within a segment
    for place in between.tolist():
        one, other = heads[place], tails[place]
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        while parent[other] != other:
            parent[other] = other = parent[parent[other]]
        if one != other and (size[one] < least or size[other] < least):
            parent[other] = one
            size[one] += size[other]
    roots = _roots(np.array(parent))
    _, places, numbers = np.unique(roots, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(places))[numbers].reshape(height, width)


def smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    """Return an image ``(H, W, C)`` convolved with a Gaussian; pixels at the edge are repeated beyond it."""
    reach = max(1, round(4 * sigma))
    places = np.arange(-reach, reach + 1)
    kernel = np.exp(-(places**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).astype(image.dtype)
    for axis in (0, 1):
        widths = [(0, 0)] * image.ndim
        widths[axis] = (reach, reach)
        padded = np.pad(image, widths, mode="edge")
        parts = [
            weight * np.take(padded, range(start, start + image.shape[axis]), axis=axis)
            for start, weight in enumerate(kernel)
        ]
        image = np.sum(parts, axis=0)
    return image


def _edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two pixels of each edge, to the right, down and both diagonals, and the distance of their colours."""
    height, width = image.shape[:2]
    numbers = np.arange(height * width).reshape(height, width)
    pairs: list[tuple[Any, Any]] = [
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1, :-1], np.s_[1:, 1:]),
        (np.s_[:-1, 1:], np.s_[1:, :-1]),
    ]
    first = np.concatenate([numbers[one].ravel() for one, _ in pairs])
    second = np.concatenate([numbers[other].ravel() for _, other in pairs])
    weights = np.concatenate([np.linalg.norm(image[one] - image[other], axis=-1).ravel() for one, other in pairs])
    return first, second, weights


def _roots(parent: np.ndarray) -> np.ndarray:
    """Return the root of each element of a forest."""
    while True:
        above = parent[parent]
        if np.array_equal(above, parent):
            return parent
        parent = above
