"""Plane projective maps, as Pillow takes them."""

from __future__ import annotations

import numpy as np


def homography(source: np.ndarray, target: np.ndarray) -> tuple[float, ...]:
    """Return the eight numbers by which Pillow fetches the pixels of ``target`` from ``source``, corners ``(4, 2)``."""
    rows = []
    for (x, y), (u, v) in zip(target.tolist(), source.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return tuple(np.linalg.solve(np.array(rows), source.reshape(-1)).tolist())


def mapped(points: np.ndarray, numbers: tuple[float, ...]) -> np.ndarray:
    """Map points ``(N, 2)`` xy by the eight numbers of a homography."""
    a, b, c, d, e, f, g, h = numbers
    x, y = points.T
    scale = g * x + h * y + 1
    return np.stack([(a * x + b * y + c) / scale, (d * x + e * y + f) / scale], axis=1)
