"""Where in a photo a phrase of a sentence is: a heat map over the encoder's grid, a point and a box.

Letters: ``N`` phrases, ``L`` cells of the grid, ``rows × columns`` of them, row by row, ``H`` length of an
embedding.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from seetell.runtime.sessions import Graph

STEEPNESS, CENTRING, OFFSET = 1.5, 8.0, 1.0
"""Of the chances in :func:`ground_by_words`, those with the most boxes right on phrases of Flickr30k Entities: half or
twice as much of one costs less than two points of a hundred."""


@dataclass(frozen=True, eq=False)
class Grounding:
    """Where phrases are in one photo.

    Attributes:
        boxes: ``(N, 4)`` float32, xyxy in shares of the photo's width and height.
        points: ``(N, 2)`` float32, the likeliest place as x and y in the same shares.
        scores: ``(N,)`` float32, how sure the model is, higher is better: the intersection over union with the true box
            that it expects or, of an aligner that never saw boxes, the greatest cosine of the phrase with a place.
        heat: ``(N, rows, columns)`` float32, each map at least 0 and of sum 1.
    """

    boxes: np.ndarray
    points: np.ndarray
    scores: np.ndarray
    heat: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)


def ground_by_boxes(graph: Graph, grid: np.ndarray, phrases: np.ndarray, size: tuple[int, int]) -> Grounding:
    """Locate phrases by what a grounder learnt from boxes.

    Args:
        graph: the grounder's.
        grid: of the photo, ``(1, L, D)``.
        phrases: of each the mean of its words and its last word in the common space, ``(N, 2·H)``.
        size: rows and columns of the grid.
    """
    if not len(phrases):
        empty = np.zeros((0, 4), np.float32)
        return Grounding(empty, empty[:, :2], empty[:, 0], np.zeros((0, *size), np.float32))
    outputs = ["heat", "boxes", "overlaps"]
    heat, boxes, overlaps = graph.run({"grid": grid, "phrases": phrases}, outputs)
    maps = heat.reshape(-1, *size)
    return Grounding(boxes, warmest_points(maps), overlaps, maps)


def ground_by_words(phrases: np.ndarray, cells: np.ndarray, grid: tuple[int, int]) -> Grounding:
    """Locate phrases by how well each cell of the grid suits their words, as an aligner can that never saw a box.

    A cell's chance of belonging to the phrase is σ(a·z − c·d² + o): z is its product with the phrase in deviations from
    the mean of all cells, and d its distance from the middle, since people photograph what they talk about. The box is
    the rectangle of cells with the greatest expected intersection over expected union.

    Args:
        phrases: in the common space, ``(N, H)``.
        cells: in the same space, ``(L, H)``, of length 1 or not.
        grid: rows and columns.
    """
    products = phrases @ cells.T
    rows, columns = grid
    centres = cell_centres(grid)
    spread = products - products.mean(axis=1, keepdims=True)
    spread /= spread.std(axis=1, keepdims=True) + 1e-6
    logits = STEEPNESS * spread - CENTRING * np.square(centres - 0.5).sum(axis=1) + OFFSET
    chances = 1 / (1 + np.exp(-logits))
    sides, inside = _rectangles(grid)
    shared = chances @ inside.T
    overlaps = shared / (chances.sum(axis=1, keepdims=True) + inside.sum(axis=1) - shared)
    best = overlaps.argmax(axis=1)
    boxes = sides[best] / np.array([columns, rows, columns, rows])
    heat = (chances / chances.sum(axis=1, keepdims=True)).astype(np.float32)
    lengths = np.linalg.norm(phrases, axis=1)[:, None] * np.linalg.norm(cells, axis=1)
    scores = (products / (lengths + 1e-6)).max(axis=1, initial=-1).astype(np.float32)
    maps = heat.reshape(-1, rows, columns)
    return Grounding(boxes.astype(np.float32), warmest_points(maps), scores, maps)


def warmest_points(heat: np.ndarray) -> np.ndarray:
    """Return where maps ``(N, rows, columns)`` are warmest, as x and y in shares ``(N, 2)`` float32.

    A cell counts as warm as the mean of the nine around it: the middle of what is warm, not its edge.
    """
    phrases, rows, columns = heat.shape
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)), mode="edge")
    shifts = itertools.product(range(3), range(3))
    smooth = sum(padded[:, down : down + rows, across : across + columns] for down, across in shifts)
    warmest = np.asarray(smooth).reshape(phrases, rows * columns).argmax(axis=1)
    points: np.ndarray = cell_centres((rows, columns))[warmest]
    return points.astype(np.float32)


def cell_centres(grid: tuple[int, int]) -> np.ndarray:
    """Return the middle of each cell as x and y in shares of the photo, ``(L, 2)``."""
    rows, columns = grid
    down, across = np.divmod(np.arange(rows * columns), columns)
    return np.stack([(across + 0.5) / columns, (down + 0.5) / rows], axis=1)


@functools.lru_cache(maxsize=4)
def _rectangles(grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return all rectangles of whole cells, ``(K, 4)`` xyxy in cells, and the cells each holds, ``(K, L)`` float32."""
    sides = np.array(
        [
            (left, top, right, bottom)
            for top, bottom in itertools.combinations(range(grid[0] + 1), 2)
            for left, right in itertools.combinations(range(grid[1] + 1), 2)
        ]
    )
    down, across = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    left, top, right, bottom = sides.T[:, :, None]
    inside = (left <= across) & (across < right) & (top <= down) & (down < bottom)
    return sides, inside.astype(np.float32)
