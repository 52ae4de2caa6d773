"""Labels of images from a bundle, on ONNX Runtime.

>>> import seetell
>>> for label in seetell.load("classify").predict("photo.jpg", top=3):
...     print(f"{label.score:.0%} {label.text}")
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.errors import BundleError
from seetell.results import Label, Labels
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.sessions import Graph
from seetell.tasks.classification.classifier import Classifier


class BundleClassifier(BundlePredictor[np.ndarray, Labels], Classifier[np.ndarray]):
    """A classifier of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`."""

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, threads=threads)
        if bundle.labels is None:
            raise BundleError(f"{bundle.folder / 'model.json'}: lacks 'labels'; export the model again")
        self.labels = bundle.labels
        self._encoder = Graph.open(bundle, "encoder", precision=precision, threads=self.threads)
        self._classifier = Graph.open(bundle, "classifier", threads=self.threads)
        self._encoder.require(inputs=["images"], outputs=["pooled"])
        self._classifier.require(inputs=["pooled"], outputs=["logits"])

    def _predict(self, batch: Sequence[np.ndarray], sample_ids: Sequence[int], *, top: int) -> list[Labels]:
        pooled = self._encoder.run({"images": np.stack(batch)}, ["pooled"])[0]
        logits = self._classifier.run({"pooled": pooled}, ["logits"])[0].astype(np.float64)
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)  # (B, K)
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
        return [
            Labels(tuple(Label(self.labels[index], float(row[index])) for index in order), self.name)
            for row, order in zip(probabilities, best, strict=True)
        ]
