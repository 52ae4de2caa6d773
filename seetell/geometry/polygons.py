"""Polygons and masks: filled as COCO's tools fill them, and outlines that give back exactly the same pixels.

A polygon is a list of x and y in turn, in pixels of the image, edges between pixels, closed by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.errors import DataError
from seetell.geometry.masks import Array

_SCALE = 5
"""Outlines are drawn at so many times the resolution, and sampled at the centres of pixels."""

_FARTHEST = 1e8
"""Coordinates beyond this are cut to it; COCO's tools would overflow."""


def fill_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> Array:
    """Return the pixels inside any of the polygons, the same as pycocotools' ``frPyObjects`` and ``merge``.

    Args:
        polygons: each of at least three corners.
        size: width and height of the image.

    Returns:
        ``(H, W)``.

    Raises:
        DataError: a polygon has no three corners, or one of them is not finite.
    """
    filled = np.zeros(size[::-1], bool)
    for polygon in polygons:
        filled |= _fill(polygon, size)
    return filled


def _fill(polygon: Sequence[float], size: tuple[int, int]) -> Array:
    """Fill one polygon: ``rleFrPoly`` of COCO's maskApi.c."""
    width, height = size
    if len(polygon) < 6 or len(polygon) % 2 or not np.isfinite(polygon).all():
        raise DataError(f"polygon: expected x and y of at least three corners, got {len(polygon)} numbers")
    limits = np.array([width, height]) + 2.0 * max(size)
    corners = np.array(polygon, float).reshape(-1, 2).clip(-np.minimum(limits, _FARTHEST), limits)
    scaled = np.trunc(_SCALE * corners + 0.5).astype(np.int64)
    points = np.concatenate([_line(*pair) for pair in zip(scaled, np.roll(scaled, -1, axis=0), strict=True)])
    x, y = points[:, 0], points[:, 1]
    steps = np.flatnonzero(x[1:] != x[:-1]) + 1
    column = (np.where(x[steps] < x[steps - 1], x[steps], x[steps] - 1) + 0.5) / _SCALE - 0.5
    row = np.ceil(((np.minimum(y[steps], y[steps - 1]) + 0.5) / _SCALE - 0.5).clip(0, height)).astype(np.int64)
    inside = (np.floor(column) == column) & (column >= 0) & (column <= width - 1)
    places = column[inside].astype(np.int64) * height + row[inside]
    crossed = np.bincount(places, minlength=width * height + 1)[:-1]
    filled: Array = (np.cumsum(crossed) % 2 == 1).reshape((height, width), order="F")
    return filled


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the points ``(N, 2)`` of a line, both ends included, drawn from its lesser end in its longer direction."""
    along = 0 if abs(end[0] - start[0]) >= abs(end[1] - start[1]) else 1
    flipped = start[along] > end[along]
    first, last = (end, start) if flipped else (start, end)
    length = last[along] - first[along]
    steps = np.arange(length + 1)
    slope = (last[1 - along] - first[1 - along]) / length if length else 0.0
    points = np.empty((len(steps), 2), np.int64)
    points[:, along] = first[along] + steps
    points[:, 1 - along] = np.trunc(first[1 - along] + slope * steps + 0.5).astype(np.int64)
    return points[::-1] if flipped else points


def polygon_area(polygon: Sequence[float] | np.ndarray) -> float:
    """Return the area within a polygon, in squares of its units."""
    return abs(_signed_area(np.asarray(polygon, float).reshape(-1, 2)))


def outlines(mask: Array) -> list[list[float]]:
    """Return polygons around the pixels of a mask ``(H, W)``, along the edges of pixels.

    Each is one part of the mask. Pixels that touch only at a corner are in different parts. A hole is joined to the
    outline around it by a line that is followed there and back, so that :func:`fill_polygons` and pycocotools return
    the same mask.
    """
    rings = _rings(mask)
    outer = [(ring, _signed_area(ring)) for ring in rings if _signed_area(ring) > 0]
    joined = [ring for ring, _ in outer]
    for hole in (ring for ring in rings if _signed_area(ring) < 0):
        around = [number for number, (ring, _) in enumerate(outer) if _contains(ring, _beside(hole))]
        place = min(around, key=lambda number: outer[number][1])
        joined[place] = _bridged(joined[place], hole)
    return [ring.astype(float).ravel().tolist() for ring in joined]


def _rings(mask: Array) -> list[np.ndarray]:
    """Follow the edges of the inside, which is to the right; return the corners ``(N, 2)`` of each ring."""
    padded = np.pad(np.asarray(mask, bool), 1)
    inner = padded[1:-1, 1:-1]
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for outside, start, end in (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),  # above: to the right
        (padded[1:-1, 2:], (1, 0), (1, 1)),  # to the right: down
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    ):
        rows, columns = np.nonzero(inner & ~outside)
        for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
            following.setdefault((x + start[0], y + start[1]), []).append((x + end[0], y + end[1]))
    rings = []
    while following:
        start = here = next(iter(following))
        before = (0, 0)
        ring: list[tuple[int, int]] = []
        while here in following:
            ways = following[here]
            turn = (here[0] - before[1], here[1] + before[0])  # to the right, so that parts stay apart at a corner
            onward = turn if len(ways) > 1 and turn in ways else ways[0]
            ways.remove(onward)
            if not ways:
                del following[here]
            direction = (onward[0] - here[0], onward[1] - here[1])
            if direction != before:
                ring.append(here)
            before, here = direction, onward
            if here == start:
                closing = following.get(here)
                right = (here[0] - before[1], here[1] + before[0])
                if closing is None or right not in closing:
                    break
        rings.append(_without_straight_corner(np.array(ring, np.int64)))
    return rings


def _without_straight_corner(ring: np.ndarray) -> np.ndarray:
    """Drop the first corner where the ring goes straight on there."""
    before, after = ring[0] - ring[-1], ring[1] - ring[0]
    return ring[1:] if before[0] * after[1] == before[1] * after[0] else ring


def _signed_area(ring: np.ndarray) -> float:
    """Return the area of a ring, positive if the inside is to the right of its edges, y pointing down."""
    x, y = ring[:, 0], ring[:, 1]
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2


def _beside(hole: np.ndarray) -> tuple[float, float]:
    """Return the centre of a pixel inside the hole: its topmost leftmost corner is that pixel's upper left."""
    x, y = min(hole.tolist(), key=lambda corner: (corner[1], corner[0]))
    return x + 0.5, y + 0.5


def _contains(ring: np.ndarray, point: tuple[float, float]) -> bool:
    x, y = ring[:, 0], ring[:, 1]
    right, below = np.roll(x, -1), np.roll(y, -1)
    vertical = (x == right) & (x > point[0])
    crossed = vertical & ((y > point[1]) != (below > point[1]))
    return bool(crossed.sum() % 2)


def _bridged(ring: np.ndarray, hole: np.ndarray) -> np.ndarray:
    distances = np.abs(ring[:, None] - hole[None]).sum(axis=2)
    here, there = np.unravel_index(distances.argmin(), distances.shape)
    around = np.concatenate([hole[there:], hole[: there + 1]])
    return np.concatenate([ring[: here + 1], around, ring[here:]])
