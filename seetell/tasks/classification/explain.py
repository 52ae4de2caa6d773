"""Which classes of an image can be explained: each by its log-probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seetell.errors import UsageError
from seetell.explain.explained import Explained, chosen
from seetell.photos.opening import PhotoSource
from seetell.tasks.classification.classifier import Classifier

TOP = 3
"""Classes that are explained where none is asked for."""

LEAST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class ExplainedClasses(Explained):
    """Classes that are explained.

    Attributes:
        classes: the number of each target among the model's labels.
    """

    classes: tuple[int, ...] = ()


def explain(predictor: Classifier[Any], image: PhotoSource, text: str, names: Sequence[str]) -> ExplainedClasses:
    """Return classes as targets; see :data:`seetell.explain.explained.Explain`.

    Args:
        predictor: any classifier.
        image: that is labelled.
        text: none.
        names: any of the model's classes, likely or not; the likeliest three when there are none.

    Raises:
        UsageError: a name is no class of the model, or there is a text.
    """
    if text:
        raise UsageError("an image is classified without a text; name the class to explain instead")
    ranked = predictor.predict(image)
    classes = chosen(
        "class", predictor.labels, names or [label.text for label in ranked.top(TOP)], whole=predictor.name
    )
    if not names:
        order = [label.text for label in ranked]
        classes.sort(key=lambda place: order.index(predictor.labels[place]))
    labels = [predictor.labels[place] for place in classes]

    def score(images: Sequence[PhotoSource]) -> np.ndarray:
        prepared = [predictor.prepare(image) for image in images]
        rows = []
        for found in predictor.predict_prepared(prepared, top=len(predictor.labels)):
            if isinstance(found, Exception):
                raise found
            probabilities = {label.text: label.score for label in found}
            rows.append([probabilities[label] for label in labels])
        return np.asarray(np.log(np.maximum(rows, LEAST_PROBABILITY)))

    answer = ", ".join(f"{label.text} {label.score:.0%}" for label in ranked.top(TOP))
    return ExplainedClasses(answer, tuple(labels), score, classes=tuple(classes))
