"""HOG's channels, against the paper's formulas cell by cell."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.single_object_tracking.filters.hog import CHANNELS, hog

CELL = 4


def by_the_book(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape[0] // CELL, image.shape[1] // CELL
    pixels = image[: rows * CELL, : columns * CELL].astype(np.float64) / 255
    height, width = pixels.shape[:2]
    cells = np.zeros((rows, columns, 18))
    for y in range(height):
        for x in range(width):
            across = pixels[y, min(x + 1, width - 1)] - pixels[y, max(x - 1, 0)]
            down = pixels[min(y + 1, height - 1), x] - pixels[max(y - 1, 0), x]
            steepest = int(np.argmax(across**2 + down**2))
            directions = [
                across[steepest] * np.cos(np.pi * o / 9) + down[steepest] * np.sin(np.pi * o / 9) for o in range(18)
            ]
            length = np.hypot(across[steepest], down[steepest])
            for row in range(rows):
                for column in range(columns):
                    near = max(0, 1 - abs((y + 0.5) / CELL - 0.5 - row)) * max(
                        0, 1 - abs((x + 0.5) / CELL - 0.5 - column)
                    )
                    cells[row, column, int(np.argmax(directions))] += near * length
    folded = cells[..., :9] + cells[..., 9:]
    energy = (folded**2).sum(axis=2)
    result = np.zeros((CHANNELS, rows, columns))
    for row in range(rows):
        for column in range(columns):
            for number, (dy, dx) in enumerate(((-1, -1), (-1, 1), (1, -1), (1, 1))):
                ys = [np.clip(row + d, 0, rows - 1) for d in (0, dy)]
                xs = [np.clip(column + d, 0, columns - 1) for d in (0, dx)]
                norm = np.sqrt(sum(energy[y, x] for y in ys for x in xs)) + 1e-4
                clipped = np.minimum(cells[row, column] / norm, 0.2)
                result[:18, row, column] += 0.5 * clipped
                result[18:27, row, column] += 0.5 * np.minimum(folded[row, column] / norm, 0.2)
                result[27 + number, row, column] = 0.2357 * clipped.sum()
    return result


def test_the_formulas():
    image = np.random.default_rng(0).integers(0, 256, (13, 18, 3))
    (channels,) = hog(image[None], CELL)
    assert channels.shape == (31, 3, 4)
    np.testing.assert_allclose(channels, by_the_book(image), atol=1e-4)


def test_an_edge_has_one_direction():
    image = np.zeros((16, 16, 3), np.uint8)
    image[:, 8:] = 200
    (channels,) = hog(image[None], CELL)
    assert channels[:18, 1, 1].argmax() == 0, "brighter to the right"
    assert channels[1:18].max() == pytest.approx(0)


def test_nothing_is_seen_in_one_colour():
    assert hog(np.full((2, 16, 20, 3), 90, np.uint8)).max() == 0
