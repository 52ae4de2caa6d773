"""Near-duplicates: one photo in several files, of other formats, qualities or sizes, which are to get one result.

Copies differ by less than people see, and yet by enough to change a word of a sentence. They are known by thumbnails
(as by an average hash), of which the differences must be small on average and at every place, compared to how much the
colours of the photo differ from place to place. ``benchmarks/near_duplicates.py`` measures how many copies are found,
and how near other pictures come. A photo does not get the result of its small preview.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

Result = TypeVar("Result")

SIDE = 32
"""Width and height of a thumbnail."""

MEAN_DIFFERENCE = 0.07
"""Root mean square of the differences between thumbnails of copies, divided by the :func:`spread` of the first one."""

LARGEST_DIFFERENCE = 0.4
"""The largest of these differences, divided by the same."""

LARGER = 1.25
"""Times as large as a copy before it is an image that keeps its own result."""

FULL_SIZE = 200
"""Width and height beyond which no image counts as larger than another: models see little more."""

REMEMBERED = 2000
"""Photos that later ones are compared with; their thumbnails take 7 MB."""

_BLOCKS = 4
"""Across and down, by whose mean colours most photos are told apart."""

_CANDIDATES = 20
"""Photos at most whose thumbnails are compared, the nearest by these blocks."""


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """What copies of a photo are known by.

    Attributes:
        colours: means of parts of the photo, ``(32, 32, 3)`` uint8.
        size: root of its number of pixels.
    """

    colours: np.ndarray
    size: float


def thumbnail(image: Image.Image | np.ndarray, size: tuple[int, int]) -> Thumbnail:
    """Return the thumbnail of a photo.

    Args:
        image: the photo, RGB or ``(H, W, 3)`` uint8, at any scale.
        size: width and height that it had before.
    """
    opened = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    return Thumbnail(np.asarray(opened.resize((SIDE, SIDE), Image.Resampling.BOX)), math.sqrt(math.prod(size)))


def spread(colours: np.ndarray) -> float:
    """Return how far the colours of a thumbnail ``(32, 32, 3)`` differ from place to place.

    It is the root of their variance over all places, in the mean of red, green and blue.
    """
    return float(np.sqrt(colours.reshape(-1, 3).var(axis=0).mean()))


class NearDuplicates(Generic[Result]):
    """The results of the last :data:`REMEMBERED` photos that were no copies of others."""

    def __init__(self) -> None:
        self._thumbnails = np.zeros((REMEMBERED, SIDE, SIDE, 3), np.uint8)
        self._blocks = np.zeros((REMEMBERED, _BLOCKS * _BLOCKS * 3), np.float32)
        self._spreads = np.zeros(REMEMBERED, np.float32)
        self._sizes = np.zeros(REMEMBERED)
        self._results: list[Result] = []
        self._next = 0

    def result(self, image: Thumbnail, own: Result) -> Result:
        """Return the result of the photo of which an image is a copy, or else its own, which is remembered.

        Args:
            image: the image.
            own: its own result, which it keeps, too, if it is clearly larger than that copy.
        """
        place, size = self._copy_of(image.colours), min(image.size, FULL_SIZE)
        if place is not None and size <= LARGER * self._sizes[place]:
            return self._results[place]
        if place is None:
            place, self._next = self._next, (self._next + 1) % REMEMBERED
        self._thumbnails[place], self._blocks[place] = image.colours, _means_of_blocks(image.colours)
        self._spreads[place] = spread(image.colours)
        self._sizes[place], self._results[place : place + 1] = size, [own]
        return own

    def _copy_of(self, colours: np.ndarray) -> int | None:
        """Return the place of the photo of which a thumbnail shows a copy."""
        known, blocks = slice(len(self._results)), _means_of_blocks(colours)
        apart = np.square(self._blocks[known] - blocks).mean(axis=1)
        # means differ by no more, in the mean square, than what they are means of
        near = np.flatnonzero(apart <= np.square(MEAN_DIFFERENCE * self._spreads[known]))
        for place in near[np.argsort(apart[near], kind="stable")][:_CANDIDATES]:
            differences = np.abs(self._thumbnails[place].astype(np.float32) - colours)
            mean, largest = np.sqrt(np.square(differences).mean()), differences.max()
            if mean <= MEAN_DIFFERENCE * self._spreads[place] and largest <= LARGEST_DIFFERENCE * self._spreads[place]:
                return int(place)
        return None


def _means_of_blocks(colours: np.ndarray) -> np.ndarray:
    side = SIDE // _BLOCKS
    means: np.ndarray = colours.reshape(_BLOCKS, side, _BLOCKS, side, 3).mean(axis=(1, 3), dtype=np.float32).ravel()
    return means
