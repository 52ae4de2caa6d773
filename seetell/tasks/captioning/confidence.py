"""How likely it is that everything a caption names is in the image.

A caption names object classes, which have a logit of *presence*, and other things, such as "street" or "grass", which
have the probability of their *word detector*; see :mod:`seetell.runtime.tags`. Some words are there more often than
their detector says when it is unsure, others less often: something is added to the logit of each. The least likely
class and the least likely word each go through a logistic regression (Platt, "Probabilistic Outputs for Support Vector
Machines and Comparisons to Regularized Likelihood Methods", 1999). Shifts and coefficients are the bundle's setting
``confidence``, and the confidence is the product of the two probabilities. ``scripts/everyday/fit_confidence.py`` fits
them and measures how far they can be trusted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seetell.language.object_names import object_phrases, objects_named
from seetell.logistic import sigmoid
from seetell.runtime.setting_checks import refuse_unknown

LEAST, MOST = 1e-3, 1 - 1e-3
"""Bounds of the words' probabilities, so that their logits are finite."""

UNKNOWN = 0.02
"""Stands for the probability of the things in a caption that names none that a detector knows."""

CERTAIN = 3.0
"""Presence, a logit, beyond which a class is no more likely there."""

REGRESSIONS = {
    "objects": {"presence", "logprob"},
    "things": {"probability", "logprob"},
    "object": {"presence"},
    "scene": {"probability"},
}
"""Those of a calibration, and the features that each may weigh."""


@dataclass(frozen=True)
class Logistic:
    """A logistic regression.

    Attributes:
        intercept: the logit where all features are zero.
        weights: of each feature.
    """

    intercept: float
    weights: Mapping[str, float]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Logistic:
        """Return the regression of :meth:`to_dict`'s form.

        Raises:
            KeyError: it lacks a field.
            TypeError, ValueError: a coefficient is no finite number.
        """
        weights = {name: float(weight) for name, weight in content["weights"].items()}
        if not all(map(math.isfinite, (*weights.values(), intercept := float(content["intercept"])))):
            raise ValueError("expected finite coefficients")
        return cls(intercept, weights)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {"intercept": self.intercept, "weights": dict(self.weights)}

    def __call__(self, features: Mapping[str, float]) -> float:
        """Return the probability that features have; features without a weight are ignored."""
        value = self.intercept + sum(weight * features[name] for name, weight in self.weights.items())
        return float(sigmoid(max(-30.0, min(value, 30.0))))  # neither 0 nor 1


@dataclass(frozen=True)
class Evidence:
    """What the tags of an image say of a caption.

    Attributes:
        objects: features of the object classes it names: ``presence``, the least logit, and ``logprob``, the mean
            log-probability of the caption's words; ``None`` if it names none.
        things: features of the other things it names: ``probability``, the least shifted logit of their detectors, and
            ``logprob``; ``None`` if it names object classes alone.
    """

    objects: Mapping[str, float] | None
    things: Mapping[str, float] | None


@dataclass(frozen=True)
class Calibration:
    """Coefficients of the confidence.

    Attributes:
        objects: of the object classes that a caption names.
        things: of the other things that it names.
        words: those that name such things, and what is added to the logit of each one's detector.
        object: of one object class in a short reading; its feature is ``presence``.
        scene: of the scene in a short reading; its feature is ``probability``.
    """

    objects: Logistic
    things: Logistic
    words: Mapping[str, float]
    object: Logistic
    scene: Logistic

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """Return the calibration of a bundle's setting ``confidence``.

        Raises:
            KeyError: it lacks a field.
            AttributeError, TypeError, ValueError: a coefficient is no finite number, or of an unknown feature.
        """
        regressions = {name: Logistic.from_dict(content[name]) for name in REGRESSIONS}
        for name, known in REGRESSIONS.items():
            refuse_unknown(f"feature of {name}", regressions[name].weights, sorted(known))
        words = {word: float(shift) for word, shift in content["words"].items()}
        if not all(map(math.isfinite, words.values())):
            raise ValueError("expected finite shifts of the words")
        return cls(words=words, **regressions)

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        regressions = {name: getattr(self, name).to_dict() for name in REGRESSIONS}
        return {**regressions, "words": dict(sorted(self.words.items()))}

    def parts(self, evidence: Evidence) -> tuple[float, float]:
        """Return the probabilities that all object classes, and that all other things are there; 1 for none named."""
        parts = ((self.objects, evidence.objects), (self.things, evidence.things))
        objects, things = (1.0 if features is None else regression(features) for regression, features in parts)
        return objects, things

    def confidence(self, evidence: Evidence) -> float:
        """Return the probability that everything a caption names is there."""
        return math.prod(self.parts(evidence))


def things_named(tokens: Sequence[str], words: Collection[str]) -> list[str]:
    """Return the things besides object classes that a caption names, one entry per mention.

    Args:
        tokens: the caption in lower case, as ``tokenize`` returns it.
        words: those that name things.
    """
    phrases = object_phrases()
    return [token for token in tokens if token in words and not phrases.get((token,))]


def evidence(
    tokens: Sequence[str],
    logprob: float,
    presence: Mapping[str, float],
    words: Mapping[str, float],
    things: Mapping[str, float],
) -> Evidence:
    """Look up what a caption names in the tags of its image.

    Args:
        tokens: the words of the caption.
        logprob: mean log-probability of its words and its end.
        presence: logit of each object class.
        words: probability of each word that is detected.
        things: the words that name things, and what is added to each one's logit.
    """
    classes = [presence[name] for name in objects_named(tokens) if name in presence]
    named = [logit(words[word]) + things[word] for word in things_named(tokens, things) if word in words]
    said = {"logprob": logprob}
    objects = {**said, "presence": min(*classes, CERTAIN)} if classes else None
    if classes and not named:
        return Evidence(objects, None)
    return Evidence(objects, {**said, "probability": min(named, default=logit(UNKNOWN))})


def logit(probability: float) -> float:
    """Return the logit of a probability, which is kept off 0 and 1."""
    bounded = min(max(float(probability), LEAST), MOST)
    return math.log(bounded / (1 - bounded))


def by_name(names: Sequence[str], values: np.ndarray) -> list[dict[str, float]]:
    """Return for each image its values by their names."""
    return [dict(zip(names, row, strict=True)) for row in values.tolist()]
