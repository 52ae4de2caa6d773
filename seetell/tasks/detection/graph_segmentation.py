"""Segmentation of an image by the graph of its pixels.

Felzenszwalb & Huttenlocher, "Efficient Graph-Based Image Segmentation", IJCV 2004. Neighbouring pixels are joined by
edges that weigh as much as their colours differ. Edges are gone through from the lightest on; one between two segments
joins them if it weighs no more than the heaviest edge inside either, ``Int(C)``, plus ``k / |C|`` (equations 3 and 4).
So ``k`` is the scale: larger ones make larger segments. In the end segments of too few pixels are joined with a
neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

SIGMA = 0.8
"""Deviation in pixels of the Gaussian that smooths the image first (section 6)."""

PARTS = 8
"""In which edges are gone through; after each those within a segment are left out of the later ones."""

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
    return segmentations(image, scales=(scale,), least=least)[0]


def segmentations(image: np.ndarray, *, scales: Sequence[float], least: int) -> list[Labels]:
    """Segment an image at several scales, for which its edges are weighed once; see :func:`segment`."""
    first, second, weights = _edges(smoothed(image.astype(np.float32), SIGMA))
    order = np.argsort(weights, kind="stable")
    edges = first[order], second[order], weights[order]
    return [_numbered(_joined(edges, scale, least, image.shape[0] * image.shape[1]), image) for scale in scales]


def _joined(edges: tuple[np.ndarray, np.ndarray, np.ndarray], scale: float, least: int, pixels: int) -> np.ndarray:
    """Return the root of each pixel's segment, ``(P,)``.

    Args:
        edges: both pixels and the weight of each, ``(E,)``, the lightest first.
        scale: ``k``.
        least: fewest pixels of a segment.
        pixels: ``P``.
    """
    parent, size = list(range(pixels)), [1] * pixels
    limit = [float(scale)] * pixels  # Int(C) + k / |C| of the segment whose root it is
    heads, tails, costs = edges
    part = -(-len(heads) // PARTS)
    while len(heads):
        for one, other, cost in zip(heads[:part].tolist(), tails[:part].tolist(), costs[:part].tolist(), strict=True):
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
        roots, now = _roots(np.array(parent)), cost
        grows = np.array(limit)[roots] >= now  # the others are final: later edges weigh even more (lemma 1)
        one, other = heads[part:], tails[part:]
        left = part + np.flatnonzero((roots[one] != roots[other]) & grows[one] & grows[other])
        heads, tails, costs = heads[left], tails[left], costs[left]
    heads, tails, _ = edges
    between = np.flatnonzero(roots[heads] != roots[tails])
    for one, other in zip(heads[between].tolist(), tails[between].tolist(), strict=True):
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        while parent[other] != other:
            parent[other] = other = parent[parent[other]]
        if one != other and (size[one] < least or size[other] < least):
            parent[other] = one
            size[one] += size[other]
    return _roots(np.array(parent))


def _numbered(roots: np.ndarray, image: np.ndarray) -> Labels:
    """Number segments in the order of their first pixels, ``(H, W)``."""
    _, places, numbers = np.unique(roots, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(places))[numbers].reshape(image.shape[:2])


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
