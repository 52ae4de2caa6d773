"""What a text detector is to predict for a picture whose lines are known: cores of lines, thresholds at their edges.

Liao et al. (AAAI 2020), section 3.3.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from seetell.tasks.text_detection.shrinking import shrink_distance

LOW, HIGH = 0.3, 0.7
"""Thresholds far from the edges of lines, and on them."""

RINGS = 5
"""Steps in which the threshold falls on either side of an edge."""


def area(corners: np.ndarray) -> float:
    """Return the area of a polygon ``(N, 2)``."""
    x, y = corners.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def perimeter(corners: np.ndarray) -> float:
    """Return the length of a polygon's edges ``(N, 2)``."""
    return max(float(np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1).sum()), 1e-6)


def offset(corners: np.ndarray, distance: float) -> np.ndarray:
    """Move the edges of a convex quadrilateral outwards, or inwards by a negative distance.

    Args:
        corners: ``(4, 2)``, clockwise as seen on the screen.
        distance: in pixels.

    Returns:
        ``(4, 2)``.
    """
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.maximum(np.linalg.norm(edges, axis=1, keepdims=True), 1e-6)
    along = edges / lengths
    outwards = np.stack([along[:, 1], -along[:, 0]], axis=1)  # of the edge that begins at the corner
    before_along, before_out = np.roll(along, 1, axis=0), np.roll(outwards, 1, axis=0)
    crossing = before_along[:, 0] * along[:, 1] - before_along[:, 1] * along[:, 0]
    # a corner moves by d n₁ + t a₁, which lies on the second moved edge where t = d (n₂ − n₁) · n₂ / (a₁ · n₂)
    towards = ((outwards - before_out) * outwards).sum(axis=1) * distance
    reach = np.where(np.abs(crossing) > 1e-6, towards / np.where(np.abs(crossing) > 1e-6, crossing, 1), 0)
    moved: np.ndarray = corners + distance * before_out + reach[:, None] * before_along
    return moved


def target_maps(lines: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the maps to predict.

    Args:
        lines: corners ``(N, 4, 2)`` in cells of the maps.
        size: height and width of the maps.

    Returns:
        Text, 1 in the cores of lines; thresholds; and 1 where these count; each ``(h, w)`` float32.
    """
    height, width = size
    text, levels, counted = (Image.new("L", (width, height)) for _ in range(3))
    draw_text, draw_level, draw_counted = (ImageDraw.Draw(image) for image in (text, levels, counted))
    ordered = sorted(lines, key=area, reverse=True)
    for corners in ordered:
        distance = _distance(corners)
        for ring in range(RINGS, -RINGS - 1, -1):
            level = round(255 * (1 - abs(ring) / (RINGS + 1)))
            draw_level.polygon(_points(offset(corners, distance * ring / (RINGS + 1))), fill=level)
        draw_level.polygon(_points(offset(corners, -distance)), fill=0)
        draw_counted.polygon(_points(offset(corners, distance)), fill=1)
    for corners in ordered:
        draw_text.polygon(_points(offset(corners, -_distance(corners))), fill=1)
    thresholds = LOW + (HIGH - LOW) * np.asarray(levels, np.float32) / 255
    return np.asarray(text, np.float32), thresholds, np.asarray(counted, np.float32)


def _distance(corners: np.ndarray) -> float:
    return float(shrink_distance(area(corners), perimeter(corners)))


def _points(corners: np.ndarray) -> list[tuple[float, float]]:
    return [(x, y) for x, y in corners.tolist()]
