"""Masks: which pixels of an image show a thing, as arrays and as COCO's run lengths.

A mask is ``(H, W)`` bool. Run lengths count its pixels column by column, from the upper left corner downwards: first
those outside, which may be none, then those inside, and so on in turn. COCO's files hold them as a list, or compressed
into a text, which is what :func:`encode` returns, letter for letter as pycocotools does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError
from seetell.geometry.boxes import Box

Array = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

_BITS, _MORE, _SIGN, _FIRST = 5, 0x20, 0x10, 48
_MOST_LETTERS = 7
"""Of a count: 35 bits, more than an image has pixels."""


def run_lengths(mask: Array) -> Counts:
    """Return the run lengths of a mask ``(H, W)``; they alternate between outside and inside, outside first."""
    pixels = np.asarray(mask, bool).ravel(order="F")
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = [0, 0] if len(pixels) and pixels[0] else [0]
    return np.diff(np.concatenate([starts, changes, [len(pixels)]])).astype(np.int64)


def from_run_lengths(counts: Sequence[int] | Counts, size: tuple[int, int]) -> Array:
    """Return the mask ``(H, W)`` of run lengths.

    Args:
        counts: see :func:`run_lengths`.
        size: width and height of the image.

    Raises:
        DataError: a count is negative, or they do not add up to the image's pixels.
    """
    width, height = size
    lengths = np.asarray(counts, np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or (lengths > width * height).any() or lengths.sum() != width * height:
        raise DataError(f"run lengths: expected counts that add up to the {width} × {height} pixels of the image")
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape((height, width), order="F")


def compress(counts: Sequence[int] | Counts) -> str:
    """Return run lengths as COCO's text: from the third on the difference to the last but one, 5 bits a letter."""
    left = np.array(counts, np.int64)
    left[3:] -= np.asarray(counts, np.int64)[1:-2]
    letters: list[np.ndarray] = []
    used: list[np.ndarray] = []
    going = np.ones(len(left), bool)
    while going.any():
        low = left & (_MORE - 1)
        left = left >> _BITS
        more = np.where(low & _SIGN, left != -1, left != 0)
        letters.append(low + _FIRST + np.where(more, _MORE, 0))
        used.append(going)
        going = going & more
    if not letters:
        return ""
    flat: np.ndarray = np.stack(letters, axis=1)[np.stack(used, axis=1)]
    return flat.astype(np.uint8).tobytes().decode("ascii")


def decompress(text: str) -> Counts:
    """Return the run lengths of COCO's text, see :func:`compress`.

    Raises:
        DataError: it is none.
    """
    try:
        letters = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64) - _FIRST
    except UnicodeEncodeError as error:
        raise DataError("run lengths: expected ASCII letters") from error
    if not len(letters):
        return np.zeros(0, np.int64)
    last = (letters & _MORE) == 0
    starts = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1])
    ends = np.flatnonzero(last)
    if (letters < 0).any() or (letters >= 2 * _MORE).any() or not last[-1] or (ends - starts >= _MOST_LETTERS).any():
        raise DataError("run lengths: expected COCO's compressed counts, got another text, or one that was cut off")
    number = np.cumsum(last) - last
    place = np.arange(len(letters)) - starts[number]
    counts = np.add.reduceat((letters & (_MORE - 1)) << (_BITS * place), starts)
    counts = np.where(letters[ends] & _SIGN, counts - (1 << (_BITS * (ends - starts + 1))), counts)
    counts[1::2], counts[2::2] = np.cumsum(counts[1::2]), np.cumsum(counts[2::2])
    return counts


def encode(mask: Array) -> str:
    """Return a mask ``(H, W)`` as COCO's compressed run lengths."""
    return compress(run_lengths(mask))


def decode(text: str, size: tuple[int, int]) -> Array:
    """Return the mask ``(H, W)`` of COCO's compressed run lengths.

    Args:
        text: the ``counts``.
        size: width and height of the image.

    Raises:
        DataError: they are damaged, or of an image of another size.
    """
    return from_run_lengths(decompress(text), size)


def area(text: str) -> int:
    """Return the pixels of compressed run lengths."""
    return int(decompress(text)[1::2].sum())


def paste(cells: npt.NDArray[np.floating], box: Box, size: tuple[int, int], *, threshold: float = 0.5) -> Array:
    """Return the pixels that a grid of probabilities over a box says are inside, as Mask R-CNN's reference does.

    The value of a cell is that at its centre; between centres it is interpolated bilinearly, and towards a ring of
    zeros around the grid. A pixel is inside if the value at its centre, half a pixel from its edges, is at least the
    threshold (He et al., "Mask R-CNN", ICCV 2017, section 3.1; ``paste_masks_in_image`` of Detectron2).

    Args:
        cells: ``(M, M')``.
        box: ``xyxy`` in pixels of the image.
        size: width and height of the image.
        threshold: see above.

    Returns:
        ``(H, W)``.
    """
    mask = np.zeros(size[::-1], bool)
    ranges = [_pixels(box[axis], box[axis + 2], size[axis]) for axis in (0, 1)]
    if any(stop <= start for start, stop in ranges):
        return mask
    (left, right), (top, bottom) = ranges
    across = _interpolation(np.arange(left, right), box[0], box[2], cells.shape[1])
    down = _interpolation(np.arange(top, bottom), box[1], box[3], cells.shape[0])
    mask[top:bottom, left:right] = down @ cells @ across.T >= threshold
    return mask


def _pixels(start: float, end: float, side: int) -> tuple[int, int]:
    """Return the first pixel along an axis that is looked at, one before the box, and the one behind the last."""
    if not end > start:
        return 0, 0
    return max(0, math.floor(start) - 1), min(side, math.ceil(end) + 1)


def _interpolation(pixels: npt.NDArray[np.intp], start: float, end: float, cells: int) -> npt.NDArray[np.float64]:
    """Return the weight of each cell at the centres of pixels, ``(P, cells)``."""
    place = (pixels + 0.5 - start) / (end - start) * cells - 0.5  # in cells from the centre of the first
    weights: npt.NDArray[np.float64] = np.maximum(0.0, 1 - np.abs(place[:, None] - np.arange(cells)))
    return weights


def mask_box(mask: Array) -> Box:
    """Return the smallest box around the pixels of a mask ``(H, W)``; ``(0, 0, 0, 0)`` without any."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def mask_iou(one: Array, other: Array, *, crowd: Array | None = None) -> npt.NDArray[np.float64]:
    """Return intersection over union of each mask with each other.

    Args:
        one: ``(N, H, W)``.
        other: ``(M, H, W)``.
        crowd: ``(M,)``, which of the others stand for many things, so that COCO takes the intersection over the first
            mask's area instead.

    Returns:
        ``(N, M)``; 0 where neither mask has pixels.
    """
    first, second = (masks.reshape(len(masks), -1).astype(np.float32) for masks in (one, other))
    shared = (first @ second.T).astype(np.float64)
    alone, others = first.sum(axis=1, dtype=np.float64)[:, None], second.sum(axis=1, dtype=np.float64)[None]
    union = alone + others - shared
    if crowd is not None:
        union = np.where(np.asarray(crowd, bool)[None], alone, union)
    overlap: npt.NDArray[np.float64] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def label_map(masks: Sequence[tuple[str, int]], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Lay masks over each other.

    Args:
        masks: the compressed run lengths and the value of each; the first lie on top. Values above 255 are given the
            values from 1 on again.
        size: width and height of the image.

    Returns:
        ``(H, W)``, 0 where there is no mask.
    """
    labels = np.zeros(size[::-1], np.uint8)
    for counts, index in reversed(masks):
        labels[decode(counts, size)] = (index - 1) % 255 + 1
    return labels
