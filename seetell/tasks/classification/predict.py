"""Labels of images from a bundle, on ONNX Runtime.

>>> import seetell
>>> for label in seetell.load("classify").predict("photo.jpg", top=3):
...     print(f"{label.score:.0%} {label.text}")
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.geometry.boxes import Box, clipped, in_pixels
from seetell.photos.opening import PhotoSource
from seetell.results import Label, Labels
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.resized_images import ResizedPhoto, preprocess_with_size
from seetell.runtime.sessions import Graph
from seetell.tasks.classification.classifier import Classifier

Prepared = tuple[np.ndarray, tuple[int, int]]
"""The encoder's input, ``(3, H, W)`` float32, and the image's width and height."""


class BundleClassifier(BundlePredictor[Prepared, Labels], Classifier[Prepared]):
    """A classifier of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`."""

    takes_resized = True
    batch_size = 8

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, threads=threads)
        self.labels = bundle.require_labels()
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=self.threads)
        self._classifier = Graph.open(bundle, "classifier", threads=self.threads)
        self._localiser: Graph | None = None
        self._encoder.require(inputs=["images"], outputs=["pooled"])
        self._classifier.require(inputs=["pooled"], outputs=["logits"])
        if "localiser" in bundle.graphs:
            self._localiser = Graph.open(bundle, "localiser", threads=self.threads)
            self._encoder.require(inputs=["images"], outputs=["grid"])
            self._localiser.require(inputs=["grid"], outputs=["boxes"])

    @property
    def localises(self) -> bool:
        """Whether it finds the box of the object that the first label is of."""
        return self._localiser is not None

    def prepare(self, image: PhotoSource | ResizedPhoto, text: str = "") -> Prepared:
        """Open an image and return the encoder's input and the image's size; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int) -> list[Labels]:
        images = {"images": np.stack([pixels for pixels, _ in batch])}
        pooled, *grids = self._encoder.run(images, ["pooled", "grid"] if self._localiser else ["pooled"])
        logits = self._classifier.run({"pooled": pooled}, ["logits"])[0].astype(np.float64)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)  # (B, K)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        ranked = [
            tuple(Label(self.labels[index], float(row[index])) for index in order)
            for row, order in zip(probabilities, best, strict=True)
        ]
        if self._localiser is None:
            return [Labels(labels, self.name) for labels in ranked]
        boxes = self._localiser.run({"grid": grids[0]}, ["boxes"])[0]
        return [
            Labels(labels, self.name, self._in_pixels(box, size), size)
            for labels, box, (_, size) in zip(ranked, boxes, batch, strict=True)
        ]

    def _in_pixels(self, box: np.ndarray, size: tuple[int, int]) -> Box:
        """Return a box, normalised over what the encoder sees, in pixels of the image and within it."""
        found: Box = tuple(clipped(in_pixels(box, visible=self.visible_box(size)), size).tolist())
        return found
