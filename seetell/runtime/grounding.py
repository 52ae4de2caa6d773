"""Where in a photo a phrase of a sentence is: a heat map over the encoder's grid, a point and a box.

Letters: ``N`` phrases, ``L`` grid locations (``rows × columns``), ``H`` length of an embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHARPNESS = 1.0
THRESHOLD = 0.35


@dataclass(frozen=True, eq=False)
class Grounding:
    """Where phrases are in one photo.

    Attributes:
        boxes: ``(N, 4)`` float32, xyxy in shares of the photo's width and height.
        points: ``(N, 2)`` float32, the likeliest place as x and y in the same shares.
        scores: ``(N,)`` float32, how sure it is; higher is better.
        heat: ``(N, rows, columns)`` float32, each map at least 0 and of sum 1.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    heat: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


def rectangles(rows: int, columns: int) -> np.ndarray:
    """Return all rectangles of whole cells as ``(K, 4)`` int64, xyxy in cells."""
    sides = np.array(
        [
            (left, top, right, bottom)
            for top in range(rows)
            for bottom in range(top + 1, rows + 1)
            for left in range(columns)
            for right in range(left + 1, columns + 1)
        ]
    )
    return sides


def locate_by_words(scores: np.ndarray, grid: tuple[int, int]) -> Grounding:
    """Find phrases by how well each cell of the photo suits their words, for aligners that never saw a box.

    The box is the rectangle of cells that maximises Σ (z − threshold) over its cells, z the scores in deviations from
    the photo's mean; the point is where the smoothed heat is greatest.

    Args:
        scores: of each phrase and cell, ``(N, L)``.
        grid: rows and columns.
    """
    rows, columns = grid
    spread = scores - scores.mean(axis=1, keepdims=True)
    spread /= spread.std(axis=1, keepdims=True) + 1e-6
    heat = np.exp(SHARPNESS * (spread - spread.max(axis=1, keepdims=True)))
    heat /= heat.sum(axis=1, keepdims=True)
    sides = rectangles(rows, columns)
    down, across = np.divmod(np.arange(rows * columns), columns)
    inside = (
        (sides[:, :1] <= across) & (across < sides[:, 2:3]) & (sides[:, 1:2] <= down) & (down < sides[:, 3:])
    ).astype(np.float32)
    totals = (spread - THRESHOLD) @ inside.T
    best = totals.argmax(axis=1)
    boxes = sides[best] / np.array([columns, rows, columns, rows])
    maps = heat.reshape(-1, rows, columns)
    centres = np.stack([(across + 0.5) / columns, (down + 0.5) / rows], axis=1)
    points = centres[_smoothed(maps).reshape(len(maps), -1).argmax(axis=1)]
    return Grounding(boxes.astype(np.float32), points.astype(np.float32), totals.max(axis=1).astype(np.float32), maps)


def _smoothed(maps: np.ndarray) -> np.ndarray:
    """Return maps ``(N, rows, columns)`` of which each place is the mean of the nine around it."""
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)), mode="edge")
    _, rows, columns = maps.shape
    shifted = [padded[:, row : row + rows, column : column + columns] for row in range(3) for column in range(3)]
    mean: np.ndarray = np.mean(shifted, axis=0)
    return mean
