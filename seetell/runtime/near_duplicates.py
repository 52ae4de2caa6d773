"""Near-duplicates: one photo in several files, of other formats, qualities or sizes, which are to get one result.

Copies differ by less than people see, and yet by enough to change a word of a sentence. They are known by thumbnails
(as by an average hash), of which the differences must be small on average and at every place, so that frames of a film
in which something moves are no copies of each other. ``benchmarks/near_duplicates.py`` measures how many copies are
found, and how near different photos come.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np
from PIL import Image

Result = TypeVar("Result")

SIDE = 32
"""Width and height of a thumbnail."""

LARGEST_DIFFERENCE = 30
"""Between a colour of two copies at a place of their thumbnails, of 255."""

MEAN_DIFFERENCE = 0.1
"""Root mean square of the differences between thumbnails of copies, divided by the standard deviation of the first."""

REMEMBERED = 2000
"""Photos that later ones are compared with; their thumbnails take 7 MB."""

_BLOCKS = 4
"""Across and down, by whose mean colours most photos are told apart."""


def thumbnail(image: Image.Image | np.ndarray) -> np.ndarray:
    """Return the mean colours of parts of an image.

    Args:
        image: RGB, or ``(H, W, 3)`` uint8.

    Returns:
        ``(32, 32, 3)`` uint8.
    """
    opened = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    return np.asarray(opened.resize((SIDE, SIDE), Image.Resampling.BOX))


class NearDuplicates(Generic[Result]):
    """The results of the last :data:`REMEMBERED` photos that were no copies of others."""

    def __init__(self) -> None:
        self._thumbnails = np.zeros((REMEMBERED, SIDE, SIDE, 3), np.uint8)
        self._blocks = np.zeros((REMEMBERED, _BLOCKS * _BLOCKS * 3), np.float32)
        self._limits = np.zeros(REMEMBERED, np.float32)  # of mean squared differences
        self._results: list[Result] = []
        self._next = 0

    def first(self, small: np.ndarray, result: Result) -> Result:
        """Return the result of the photo of which an image is a copy, or else its own, which is remembered.

        Args:
            small: its :func:`thumbnail`.
            result: its own.
        """
        blocks, known = _means_of_blocks(small), slice(len(self._results))
        apart = self._blocks[known] - blocks
        # means differ by no more, in the mean square, than what they are means of
        near = np.einsum("ij,ij->i", apart, apart) <= self._limits[known] * len(blocks)
        for place in np.flatnonzero(near):
            squares = np.square(self._thumbnails[place].astype(np.float32) - small)
            if squares.mean() <= self._limits[place] and squares.max() <= LARGEST_DIFFERENCE**2:
                return self._results[place]
        self._remember(small, blocks, result)
        return result

    def _remember(self, small: np.ndarray, blocks: np.ndarray, result: Result) -> None:
        place, self._next = self._next, (self._next + 1) % REMEMBERED
        self._thumbnails[place], self._blocks[place] = small, blocks
        self._limits[place] = (MEAN_DIFFERENCE * small.std()) ** 2
        self._results[place : place + 1] = [result]


def _means_of_blocks(small: np.ndarray) -> np.ndarray:
    side = SIDE // _BLOCKS
    means: np.ndarray = small.reshape(_BLOCKS, side, _BLOCKS, side, 3).mean(axis=(1, 3), dtype=np.float32).reshape(-1)
    return means
