"""Labels of images from classifiers of transformers.

>>> import seetell
>>> seetell.load("hf:google/vit-base-patch16-224", task="classify").predict("photo.jpg", top=3)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seetell.results import Label, Labels
from seetell.runtime.backends.transformers.predictor import HubLoader, HubPredictor, Prepared
from seetell.runtime.backends.transformers.source import Source
from seetell.tasks.classification.classifier import Classifier


class HubClassifier(HubPredictor[Labels], Classifier[Prepared]):
    """A classifier of transformers; see :class:`~seetell.runtime.backends.transformers.predictor.HubPredictor`."""

    tables = ("MODEL_FOR_IMAGE_CLASSIFICATION",)
    auto_classes = ("AutoModelForImageClassification",)

    def __init__(self, source: Source, **options: Any) -> None:
        super().__init__(source, **options)
        names = self.model.network.config.id2label
        self.labels = tuple(str(names[index]) for index in range(len(names)))

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, top: int) -> list[Labels]:
        inputs = self.model.image_processor(images=[each.image for each in batch], return_tensors="pt")
        logits = self.model.network(**self.model.on_device(inputs)).logits
        probabilities, order = logits.double().softmax(-1).sort(dim=-1, descending=True, stable=True)
        return [
            Labels(tuple(Label(self.labels[index], score) for index, score in zip(row, scores, strict=True)), self.name)
            for row, scores in zip(order[:, :top].tolist(), probabilities[:, :top].tolist(), strict=True)
        ]


load = HubLoader((HubClassifier,))
"""Loads classifiers."""
