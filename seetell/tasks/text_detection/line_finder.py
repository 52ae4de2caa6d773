"""Lines of text in an image, from the graph of a bundle, on ONNX Runtime."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from PIL import Image

from seetell.geometry.boxes import intersection_over_smaller
from seetell.tasks.text_detection.boxes import FoundLines, find_lines
from seetell.tasks.text_detection.scoring import bounding_boxes

MOST_SIDE = 1280
"""Pixels of the longer side of what the network sees; larger images are shrunk."""

LEAST_SIDE = 640
"""Smaller images are enlarged to it, at most to :data:`MOST_ENLARGED` times their size."""

MOST_ENLARGED = 2.0

SEEN_TWICE = 600
"""Pixels of the longer side of what the network sees, from which it sees it in half the size as well."""

LARGE = 24
"""Pixels of the height of lines that are taken from there."""

MULTIPLE = 32
"""Sides of the network's input are a multiple of it and one, so that cells of all its maps are centred alike."""

THRESHOLD = 0.4
"""Probability from which a cell belongs to the core of a line."""

LEAST_SCORE = 0.6
"""Mean probability of a core."""


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
        """
        scale = seen_scale(max(image.size))
        found = self._find(image, scale)
        if max(image.size) * scale < SEEN_TWICE:
            return found
        coarse = self._find(image, scale / 2)
        large = np.linalg.norm(coarse.corners[:, 3] - coarse.corners[:, 0], axis=1) * scale / 2 >= LARGE
        return together(FoundLines(coarse.corners[large], coarse.scores[large]), found)

    def _find(self, image: Image.Image, scale: float) -> FoundLines:
        """Return the lines of an image that the network sees at a scale."""
        width, height = image.size
        size = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = padded(np.asarray(image.resize(size, Image.Resampling.BILINEAR)))
        (text,) = self._graph.run({"images": np.moveaxis(pixels, 2, 0)[None].astype(np.float32)}, ["text"])
        found = find_lines(text[0], threshold=THRESHOLD, least_score=LEAST_SCORE)
        stride = (pixels.shape[0] - 1) / (text.shape[1] - 1)
        per_pixel = stride * np.array([width / size[0], height / size[1]])
        corners = np.clip(found.corners * per_pixel, 0, [width, height])
        return FoundLines(corners, found.scores)


def together(lines: FoundLines, others: FoundLines) -> FoundLines:
    """Return lines, and the others that do not lie on one of them."""
    shared = intersection_over_smaller(bounding_boxes(others.corners)[:, None], bounding_boxes(lines.corners)[None])
    apart = (shared < 0.5).all(axis=1)
    return FoundLines(
        np.concatenate([lines.corners, others.corners[apart]]), np.concatenate([lines.scores, others.scores[apart]])
    )


def seen_scale(longest: int) -> float:
    """Return by how much an image with such a longer side is enlarged before the network sees it."""
    if longest > MOST_SIDE:
        return MOST_SIDE / longest
    return min(max(LEAST_SIDE / longest, 1.0), MOST_ENLARGED)


def padded(pixels: np.ndarray) -> np.ndarray:
    """Repeat the last row and column of ``(H, W, 3)`` until both sides are a multiple of 32, not 0, and one."""
    below, right = ((1 - side) % MULTIPLE if side > 1 else MULTIPLE for side in pixels.shape[:2])
    return np.pad(pixels, ((0, below), (0, right), (0, 0)), mode="edge")
