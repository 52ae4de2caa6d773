"""How much may be named of an image: more where it is of the domain whose photos taught the captioner.

A captioner may not name an object class whose presence is below a threshold
(:mod:`seetell.tasks.captioning.models.tag_transformer`), but detectors miss what is small or hidden. In Flickr8k, whose
photos are of people and dogs, such an object is there more often than its presence says, in other photos less often.
So a domain classifier (Ben-David et al., "A Theory of Learning from Different Domains", 2010), a logistic regression on
the probabilities of detected words, tells of which kind an image is, and the presence of all classes is moved with it,
as logits move with the prior probabilities of classes (Saerens et al., "Adjusting the Outputs of a Classifier to New a
Priori Probabilities", 2002).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from seetell.errors import BundleError
from seetell.logistic import sigmoid
from seetell.runtime.bundle import Bundle
from seetell.runtime.setting_checks import numbers, refuse_unknown


@dataclass(frozen=True)
class DomainConfig:
    """The setting ``domain`` of a bundle.

    Attributes:
        words: coefficient of the probability of each detected word.
        bias: added to their sum; together the logit of the probability that an image is of the domain.
        in_domain: added to the presence of all classes where an image certainly is.
        out_of_domain: added where it certainly is not.
        certain: what is above it is not lowered: such a class is there, wherever the image is from.
    """

    words: Mapping[str, float]
    bias: float
    in_domain: float
    out_of_domain: float
    certain: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> DomainConfig:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is of another type, or no number within ±1,000.
            ValueError: one is unknown.
        """
        refuse_unknown("field", content, [field.name for field in fields(cls)])
        if not isinstance(words := content["words"], Mapping):
            raise TypeError(f"expected a coefficient for each word, got {words!r}")
        bounds: dict[str, Any] = {"least": -1000, "most": 1000, "expected": "numbers from -1000 to 1000"}
        return cls(
            numbers(words, words, **bounds),
            **numbers(content, ["bias", "in_domain", "out_of_domain", "certain"], **bounds),
        )


class Domain:
    """A domain classifier, and what it does to the presence of object classes.

    Args:
        bundle: a captioner with the setting ``domain``.
        words: the words that its tagger detects.

    Raises:
        BundleError: the setting is not as expected, or is of other words.
    """

    def __init__(self, bundle: Bundle, words: Sequence[str]) -> None:
        config = bundle.setting("domain", DomainConfig.from_dict)
        if different := sorted(config.words.keys() ^ set(words)):
            wrong = "a" if different[0] in config.words else "no"
            raise BundleError(
                f"{bundle.folder}: settings.domain has {wrong} coefficient of {different[0]!r}, but needs one of each "
                f"of the {len(words)} words that the model detects; install or export it again"
            )
        self._config, self._coefficients = config, np.array([config.words[word] for word in words])

    def probability(self, words: np.ndarray) -> np.ndarray:
        """Return the probability that each image is of the domain, ``(B,)``.

        Args:
            words: probabilities of the detected words, ``(B, W)``.
        """
        return sigmoid(words @ self._coefficients + self._config.bias)

    def presence(self, presence: np.ndarray, words: np.ndarray) -> np.ndarray:
        """Return the presence of object classes in the light of the domain, logits ``(B, O)`` float32.

        Args:
            presence: what the tagger found, logits ``(B, O)``.
            words: probabilities of the detected words, ``(B, W)``.
        """
        least, most = self._config.out_of_domain, self._config.in_domain
        by = least + (most - least) * self.probability(words)
        moved = presence + by[:, None]
        adjusted = np.where(presence > self._config.certain, np.maximum(presence, moved), moved)
        return adjusted.astype(np.float32)
