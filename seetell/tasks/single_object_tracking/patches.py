"""Windows of a frame around the object, resized to the size that a tracker looks at; beyond the frame they go on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image

from seetell.geometry.boxes import Box

Pair = tuple[float, float]
"""Of x and y, or of width and height."""


def window_of(
    image: np.ndarray, centre: Pair, size: Pair, output: tuple[int, int], *, fill: np.ndarray | None = None
) -> np.ndarray:
    """Return a part of a frame at another size.

    Args:
        image: ``(H, W, 3)`` uint8.
        centre: of the part, x and y in pixels.
        size: of the part, width and height in pixels.
        output: width and height of what is returned.
        fill: colour ``(3,)`` of what lies beyond the frame; its nearest pixel when absent.

    Returns:
        ``(height, width, 3)`` uint8.
    """
    left, upper = centre[0] - size[0] / 2, centre[1] - size[1] / 2
    first = int(np.floor(left)), int(np.floor(upper))
    last = max(first[0] + 1, int(np.ceil(left + size[0]))), max(first[1] + 1, int(np.ceil(upper + size[1])))
    height, width = image.shape[:2]
    if first[0] >= 0 and first[1] >= 0 and last[0] <= width and last[1] <= height:
        part = image[first[1] : last[1], first[0] : last[0]]
    else:
        columns, rows = np.arange(first[0], last[0]), np.arange(first[1], last[1])
        part = image[rows.clip(0, height - 1)[:, None], columns.clip(0, width - 1)[None, :]]
        if fill is not None:
            outside = ((rows < 0) | (rows >= height))[:, None] | ((columns < 0) | (columns >= width))[None, :]
            part[outside] = fill
    box = (left - first[0], upper - first[1], left - first[0] + size[0], upper - first[1] + size[1])
    resized = Image.fromarray(part).resize(output, Image.Resampling.BILINEAR, box=box)
    return np.asarray(resized)


@lru_cache(maxsize=64)
def cosine_window(rows: int, columns: int) -> np.ndarray:
    """Return the Hann window ``(rows, columns)`` float32, which is 0 nowhere but at the edges."""
    down, across = np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1]
    window = np.outer(down, across).astype(np.float32)
    window.flags.writeable = False
    return window


def faded(channels: np.ndarray) -> np.ndarray:
    """Return channels ``(C, H, W)`` that fade towards the edges, by the cosine window."""
    product: np.ndarray = channels * cosine_window(*channels.shape[1:])
    return product


def box_around(centre: Pair, size: Pair) -> Box:
    """Return the box ``xyxy`` of a centre, x and y, and a size, width and height."""
    return (
        float(centre[0] - size[0] / 2),
        float(centre[1] - size[1] / 2),
        float(centre[0] + size[0] / 2),
        float(centre[1] + size[1] / 2),
    )


EXEMPLAR, SEARCH = 127, 255
"""Pixels of the exemplar's and the search window's sides in the papers; a window shows twice the exemplar's context."""


def context_side(size: Pair) -> float:
    """Return the side of the square that an exemplar shows, in pixels of the frame (SiamFC, equation 7).

    Args:
        size: width and height of the object; half of their mean is added on each side.
    """
    margin = (size[0] + size[1]) / 2
    side: float = ((size[0] + margin) * (size[1] + margin)) ** 0.5
    return side


def search_side(size: Pair) -> float:
    """Return the side of the square that a search window shows, in pixels of the frame."""
    return context_side(size) * SEARCH / EXEMPLAR
