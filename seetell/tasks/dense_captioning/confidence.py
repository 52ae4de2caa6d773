"""How likely a region is right: a logistic regression on what the model thinks of its box and its phrase.

A region is right if its box has an IoU of at least 0.5 with an annotated region and METEOR of its phrase against that
region's phrases is above 0.15, which takes a word of meaning in common. ``scripts/regions/fit_agreement.py`` fits the
coefficients. Letters: ``N`` regions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from seetell.logistic import sigmoid
from seetell.runtime.setting_checks import numbers

RIGHT_IOU, RIGHT_METEOR = 0.5, 0.15
_EDGE = 1e-4


@dataclass(frozen=True)
class Confidence:
    """Coefficients of the regression: the setting ``confidence`` of a bundle.

    Attributes:
        bias: constant.
        objectness: of the logit of the objectness.
        logprob: of the mean log-probability of a phrase's words.
        likeness: of the expected likeness of a phrase to others that the model might have said.
        detection: of the logit of a detection's score, where a region is a detection that nothing else told.
        detection_bias: constant there.
        threshold: least score of the regions that are told by default.
    """

    bias: float
    objectness: float
    logprob: float
    likeness: float
    detection: float
    detection_bias: float
    threshold: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Confidence:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is not a number.
        """
        return cls(**numbers(content, [field.name for field in fields(cls)]))

    def of_regions(self, objectness: np.ndarray, logprob: np.ndarray, likeness: np.ndarray) -> np.ndarray:
        """Return the probability that each region is right, ``(N,)``; the arguments are ``(N,)`` each."""
        evidence = region_evidence(objectness, logprob, likeness)
        return sigmoid(self.bias + evidence @ np.array([self.objectness, self.logprob, self.likeness]))

    def of_detections(self, scores: np.ndarray) -> np.ndarray:
        """Return the same for detections of those scores, ``(N,)``."""
        return sigmoid(self.detection_bias + self.detection * logit(scores))


def region_evidence(objectness: np.ndarray, logprob: np.ndarray, likeness: np.ndarray) -> np.ndarray:
    """Return what the regression reads of regions, ``(N, 3)``."""
    return np.column_stack([logit(objectness), logprob, likeness])


def logit(probabilities: np.ndarray) -> np.ndarray:
    """Return log-odds; certainty is finite."""
    cut = np.clip(np.asarray(probabilities, np.float64), _EDGE, 1 - _EDGE)
    odds: np.ndarray = np.log(cut / (1 - cut))
    return odds
