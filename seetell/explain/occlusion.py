"""Occlusion: how much a score falls when a part of the image is covered.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2: a window slides over
the image in steps of half its side. Any model can be asked, for only its scores are needed. Departures: the map is not
that of the windows but of the steps' cells, each with the mean of the windows that cover it, so that a map of 8×8 cells
takes 49 windows; and the window is filled with the image's own blurred colours rather than with grey, which looks less
like a thing of its own to the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image, ImageFilter

from seetell.explain.explained import Score

CELLS = 8
"""Cells along each side of the map by default: (8 − 1)² = 49 windows."""

WINDOW = 2
"""Cells along each side of the window."""

BLUR = 1 / 8
"""Standard deviation of the Gaussian that the window is filled with, in longer sides of the image."""

BATCH = 16
"""Covered copies that are scored at once."""


def occlusion(
    score: Score,
    image: Image.Image,
    *,
    box: tuple[float, float, float, float] | None = None,
    cells: int = CELLS,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Return how much each target's score falls when a cell of the image is covered.

    Args:
        score: of ``K`` targets; see :data:`~seetell.explain.explained.Score`.
        image: RGB.
        box: the part of the image that the map lies over, ``xyxy`` in pixels; all of it when absent.
        cells: along each side of the map, ``C``, at least 2.
        progress: called with the number of scored copies and of all.

    Returns:
        ``(K, C, C)`` float64: positive where the score falls, so that the cell speaks for the target, negative where it
        rises.
    """
    left, top, right, bottom = (0, 0, *image.size) if box is None else box
    columns, rows = (np.linspace(*ends, cells + 1).round().astype(int) for ends in ((left, right), (top, bottom)))
    windows = [(row, column) for row in range(cells - WINDOW + 1) for column in range(cells - WINDOW + 1)]
    pixels, fill = np.asarray(image), np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR * max(image.size))))

    def copies() -> Iterator[np.ndarray]:
        yield pixels
        for row, column in windows:
            covered = pixels.copy()
            place = slice(rows[row], rows[row + WINDOW]), slice(columns[column], columns[column + WINDOW])
            covered[place] = fill[place]
            yield covered

    whole, *covered = _in_batches(score, copies(), len(windows) + 1, progress)
    falls, counts = np.zeros((cells, cells, len(whole))), np.zeros((cells, cells, 1))
    for (row, column), scores in zip(windows, covered, strict=True):
        place = slice(row, row + WINDOW), slice(column, column + WINDOW)
        falls[place] += whole - scores
        counts[place] += 1
    return np.moveaxis(falls / counts, -1, 0)


def _in_batches(
    score: Score, images: Iterator[np.ndarray], total: int, progress: Callable[[int, int], None] | None
) -> Sequence[np.ndarray]:
    scores: list[np.ndarray] = []
    while len(scores) < total:
        scores.extend(score([next(images) for _ in range(min(BATCH, total - len(scores)))]))
        if progress is not None:
            progress(len(scores), total)
    return scores
