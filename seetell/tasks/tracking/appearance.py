"""What targets look like: features of unit length, compared by their cosine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np
from PIL import Image

from seetell.runtime.bundle import Bundle
from seetell.runtime.sessions import Graph
from seetell.tasks.tracking.detections import Detections

ALIKE = {"colours": 0.25, "encoder": 0.35}
"""Cosine distance up to which features are of one target: so close are nine of ten of a walker 2.5 seconds apart."""

BATCH = 16
"""Crops that are encoded at once."""


class Appearance(Protocol):
    """Computes features of what detections show."""

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return features of unit length.

        Args:
            image: ``(H, W, 3)`` uint8.
            boxes: ``(N, 4)`` in its pixels.

        Returns:
            ``(N, D)`` float32.
        """


class EncoderFeatures:
    """The pooled features of a bundle's encoder for each box, resized to its input whatever its shape.

    Args:
        bundle: has an encoder with the output ``pooled``.
        threads: processor threads to compute with.

    Raises:
        BundleError: it has none, or it is damaged.
    """

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        self._graph = Graph.open(bundle, "encoder", threads=threads)
        self._graph.require(inputs=["images"], outputs=["pooled"])
        self._preprocessing = replace(bundle.preprocessing, fit="squash")

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return the features; see :class:`Appearance`."""
        crops = [self._preprocessing(Image.fromarray(crop)) for crop in _crops(image, boxes)]
        parts = [
            self._graph.run({"images": np.stack(crops[start : start + BATCH])}, ["pooled"])[0]
            for start in range(0, len(crops), BATCH)
        ]
        return _unit(np.concatenate(parts)) if parts else np.empty((0, 1), np.float32)


class ColourHistograms:
    """Histograms of the colours in stripes of each box, from the top down: a hundred times cheaper than a network.

    Their cosine is Bhattacharyya's coefficient, since the features are the square roots of shares.

    Args:
        stripes: of a box, of equal height.
        levels: of red, of green and of blue.
    """

    def __init__(self, *, stripes: int = 4, levels: int = 6) -> None:
        self._stripes, self._levels = stripes, levels

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Return the features; see :class:`Appearance`."""
        levels, bins = self._levels, self._levels**3
        features = np.zeros((len(boxes), self._stripes * bins), np.float32)
        for row, crop in enumerate(_crops(image, boxes)):
            red, green, blue = np.moveaxis(crop.astype(np.intp) * levels // 256, -1, 0)
            stripe = np.arange(len(crop))[:, None] * self._stripes // len(crop)
            cells = ((stripe * levels + red) * levels + green) * levels + blue
            features[row] = np.bincount(cells.ravel(), minlength=features.shape[1])
        return _unit(np.sqrt(features))


def with_features(appearance: Appearance, image: np.ndarray, detections: Detections) -> Detections:
    """Return detections of a frame with their features."""
    return replace(detections, features=appearance(image, detections.boxes))


def _crops(image: np.ndarray, boxes: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the pixels of each box, at least one."""
    height, width = image.shape[:2]
    for left, top, right, bottom in np.rint(boxes).astype(int).tolist():
        x, y = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        yield image[y : max(y + 1, bottom), x : max(x + 1, right)]


def _unit(features: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    scaled: np.ndarray = features / np.maximum(lengths, 1e-12)
    return scaled
