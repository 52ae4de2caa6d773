"""Files of MOTS: objects of videos by their masks.

A line is ``frame id class height width rle``, with blanks; ``rle`` is COCO's compressed run lengths. The masks of a
frame do not overlap. What is to be ignored has the class 10.

Voigtlaender et al., "MOTS: Multi-Object Tracking and Segmentation", CVPR 2019.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.geometry.masks import decode

MOST_PIXELS = 40_000_000
"""Of a mask."""


@dataclass(frozen=True)
class MotsMask:
    """A line of a file.

    Attributes:
        frame: as the file counts it.
        id: of the object.
        kind: its class: 1 for cars, 2 for pedestrians, 10 for what is to be ignored.
        size: width and height of the frame.
        counts: COCO's compressed run lengths.
    """

    frame: int
    id: int
    kind: int
    size: tuple[int, int]
    counts: str

    @property
    def pixels(self) -> np.ndarray:
        """The mask, ``(H, W)`` of bool.

        Raises:
            DataError: the run lengths are none of its size.
        """
        return decode(self.counts, self.size)


def read_mots(path: Path) -> list[MotsMask]:
    """Read a file.

    Returns:
        Its masks, by frame.

    Raises:
        DataError: it cannot be read, or a line is none of the format.
    """
    masks = []
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    masks.append(_mask(line.split(), f"{path}, line {number}"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    return sorted(masks, key=lambda mask: mask.frame)


def _mask(parts: list[str], place: str) -> MotsMask:
    try:
        frame, number, kind, height, width = (int(part) for part in parts[:5])
        (counts,) = parts[5:]
    except ValueError as error:
        raise DataError(f"{place}: expected frame, id, class, height, width and run lengths") from error
    if frame < 0 or not 1 <= width * height <= MOST_PIXELS or min(width, height) < 1:
        raise DataError(f"{place}: expected a frame from 0 and a size of at most {MOST_PIXELS:,} pixels")
    return MotsMask(frame, number, kind, (width, height), counts)


def mots_lines(masks: Iterable[MotsMask]) -> str:
    """Return masks as a file, its lines by frame."""
    return "".join(
        f"{mask.frame} {mask.id} {mask.kind} {mask.size[1]} {mask.size[0]} {mask.counts}\n"
        for mask in sorted(masks, key=lambda mask: (mask.frame, mask.id))
    )
