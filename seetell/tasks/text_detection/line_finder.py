"""Lines of text in an image, from the graph of a bundle, on ONNX Runtime."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image

from seetell.geometry.boxes import intersection_over_smaller
from seetell.tasks.text_detection.boxes import FoundLines, find_lines
from seetell.tasks.text_detection.scoring import bounding_boxes

MOST_PIXELS = 1280 * 960
"""That the network sees at once; larger images are shrunk."""

LEAST_SIDE = 640
"""Smaller images are enlarged to it, at most to :data:`MOST_ENLARGED` times their size."""

MOST_ENLARGED = 2.0

SEEN_TWICE = 600
"""Pixels of the longer side of what the network sees, from which it sees it in half the size as well."""

LARGE = 24
"""Pixels of the height of lines that are taken from there."""

SMALL = 16
"""Pixels of the height of lines, as the network sees them, at which a shrunk image is looked at more closely."""

MOST_PIXELS_CLOSE = 12 * MOST_PIXELS
"""Of an image that is looked at closely, part by part; larger ones are shrunk to it."""

PART = 1024
"""Pixels of the sides of the parts."""

MARGIN = 128
"""Pixels around a part that the network sees with it."""

MULTIPLE = 32
"""Sides of the network's input are a multiple of it and one, so that cells of all its maps are centred alike."""

THRESHOLD = 0.4
"""Probability from which a cell belongs to the core of a line."""

LEAST_SCORE = 0.6
"""Mean probability of a core."""

HINT = 0.2
"""Probability, and mean probability, of what may be text and is looked at closely."""


class Maps(Protocol):
    """What computes ``text (B, h, w)``, probabilities, of ``images (B, 3, H, W)``, values from 0 to 255."""

    def run(self, inputs: dict[str, np.ndarray], outputs: list[str]) -> list[np.ndarray]:
        """Compute."""


class LineFinder:
    """Finds lines of text.

    Args:
        graph: see :class:`Maps`.
    """

    def __init__(self, graph: Maps) -> None:
        self._graph = graph

    def find(self, image: Image.Image) -> FoundLines:
        """Return the lines of an RGB image, in its pixels.

        A large image is seen in half its size, too: letters higher than those that were trained on are found there.
        Where one that had to be shrunk may show small letters, it is seen again in parts, in its own size.
        """
        scale = seen_scale(image.size)
        seen = self._look(image, scale)
        found = seen.lines(THRESHOLD, LEAST_SCORE)
        if max(image.size) * scale >= SEEN_TWICE:
            coarse = self._look(image, scale / 2).lines(THRESHOLD, LEAST_SCORE)
            found = together(_of_height(coarse, LARGE * 2 / scale, np.inf), found)
        if scale >= 1:
            return found
        small = _of_height(seen.lines(HINT, HINT), 0, SMALL / scale)
        if not len(small.scores):
            return found
        close_scale = scale_within(image.size, MOST_PIXELS_CLOSE)
        boxes, stride = bounding_boxes(small.corners), round(scale * seen.per_cell[0])
        close = self._look_closely(image, close_scale, boxes, stride=stride).lines(THRESHOLD, LEAST_SCORE)
        return together(_of_height(close, 0, LARGE * 2 / close_scale), found)

    def _look(self, image: Image.Image, scale: float) -> _Seen:
        """Return what the network sees of an image at a scale."""
        pixels, per_pixel = _resized(image, scale)
        text, stride = self._text(pixels)
        return _Seen(text, stride * per_pixel, image.size)

    def _look_closely(self, image: Image.Image, scale: float, boxes: np.ndarray, *, stride: int) -> _Seen:
        """Return what the network sees at a scale of those parts of an image in which boxes ``(N, 4)`` lie."""
        pixels, per_pixel = _resized(image, scale)
        boxes = boxes / np.tile(per_pixel, 2)
        height, width = pixels.shape[:2]
        whole = np.zeros((-(-height // stride), -(-width // stride)), np.float32)
        for top in range(0, height, PART):
            for left in range(0, width, PART):
                inside = (boxes[:, :2] < (left + PART, top + PART)).all(axis=1) & (boxes[:, 2:] > (left, top)).all(
                    axis=1
                )
                if not inside.any():
                    continue
                begin_y, begin_x = max(top - MARGIN, 0), max(left - MARGIN, 0)
                text, _ = self._text(pixels[begin_y : top + PART + MARGIN, begin_x : left + PART + MARGIN])
                rows, columns = (slice(begin // stride, (begin + PART) // stride) for begin in (top, left))
                part = whole[rows, columns]
                y, x = (top - begin_y) // stride, (left - begin_x) // stride
                part[:] = text[y : y + part.shape[0], x : x + part.shape[1]]
        return _Seen(whole, stride * per_pixel, image.size)

    def _text(self, pixels: np.ndarray) -> tuple[np.ndarray, float]:
        """Return probabilities of text ``(h, w)`` for pixels ``(H, W, 3)``, and how many pixels apart they are."""
        pixels = padded(pixels)
        (text,) = self._graph.run({"images": np.moveaxis(pixels, 2, 0)[None].astype(np.float32)}, ["text"])
        return text[0], (pixels.shape[0] - 1) / (text.shape[1] - 1)


class _Seen(NamedTuple):
    """What the network sees of an image.

    Attributes:
        text: probabilities of text, ``(h, w)``.
        per_cell: pixels of the image in a cell, ``(2,)`` xy.
        size: of the image, width and height.
    """

    text: np.ndarray
    per_cell: np.ndarray
    size: tuple[int, int]

    def lines(self, threshold: float, least_score: float) -> FoundLines:
        """Return the lines, in pixels of the image; see :func:`find_lines`."""
        found = find_lines(self.text, threshold=threshold, least_score=least_score)
        return FoundLines(np.clip(found.corners * self.per_cell, 0, self.size), found.scores)


def _resized(image: Image.Image, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Return an image's pixels ``(H, W, 3)`` at a scale, and how many of its own are in each: ``(2,)`` xy."""
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)), np.array(image.size) / size


def _of_height(lines: FoundLines, least: float, most: float) -> FoundLines:
    """Return the lines that are at least so many pixels high and lower than so many."""
    heights = np.linalg.norm(lines.corners[:, 3] - lines.corners[:, 0], axis=1)
    kept = (least <= heights) & (heights < most)
    return FoundLines(lines.corners[kept], lines.scores[kept])


def together(lines: FoundLines, others: FoundLines) -> FoundLines:
    """Return lines, and the others that do not lie on one of them."""
    shared = intersection_over_smaller(bounding_boxes(others.corners)[:, None], bounding_boxes(lines.corners)[None])
    apart = (shared < 0.5).all(axis=1)
    return FoundLines(
        np.concatenate([lines.corners, others.corners[apart]]), np.concatenate([lines.scores, others.scores[apart]])
    )


def seen_scale(size: tuple[int, int]) -> float:
    """Return by how much an image of such a width and height is enlarged before the network sees it."""
    scale = scale_within(size, MOST_PIXELS)
    return scale if scale < 1 else min(max(LEAST_SIDE / max(size), 1.0), MOST_ENLARGED)


def scale_within(size: tuple[int, int], most_pixels: int) -> float:
    """Return by how much an image of such a width and height is shrunk to have no more pixels; 1 for not at all."""
    return float(min(1.0, (most_pixels / (size[0] * size[1])) ** 0.5))


def padded(pixels: np.ndarray) -> np.ndarray:
    """Repeat the last row and column of ``(H, W, 3)`` until both sides are a multiple of 32, not 0, and one."""
    below, right = ((1 - side) % MULTIPLE if side > 1 else MULTIPLE for side in pixels.shape[:2])
    return np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge")
