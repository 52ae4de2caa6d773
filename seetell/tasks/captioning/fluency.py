"""What no sentence shall say: words in an order in which nobody writes them, or the colours of a photo as a photo.

Self-critical training rewards n-grams that many references have, rather than sentences, and the words of absent objects
are forbidden. So a decoder comes to write "a white is sitting on a table", and to call what it does not know "a black
and white photo of a tree".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from seetell.errors import BundleError
from seetell.language.class_trigrams import ClassTrigrams
from seetell.language.hypotheses import Beams
from seetell.language.phrases import word_mask
from seetell.runtime.bundle import Bundle, bundle_file

COLOURED = "coloured"
"""Name of the feature of an image, ``(B,)`` bool, that says whether it has colours."""

MAX_LOGPROB, MAX_WEIGHT = 100.0, 100.0
"""Greatest distance of ``least`` from 0, and greatest ``weight``."""

_GREYS = "black dark gray grey white"
_HUES = "blue brown green orange pink purple red tan yellow"
_PICTURES = "image photo photograph picture shot view"


@dataclass(frozen=True)
class FluencyConfig:
    """The setting ``fluency`` of a bundle.

    Attributes:
        file: of the model of word classes, in the bundle's folder.
        least: log-probability of a word's class from which on it is not avoided.
        weight: of what it is below that.
    """

    file: str
    least: float
    weight: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FluencyConfig:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is of another type.
        """
        file, least, weight = (content[name] for name in ("file", "least", "weight"))
        if not isinstance(file, str):
            raise TypeError(f"expected the name of a file, got {file!r}")
        for number, lowest, highest in ((least, -MAX_LOGPROB, 0), (weight, 0, MAX_WEIGHT)):
            if not isinstance(number, int | float) or isinstance(number, bool) or not lowest <= number <= highest:
                raise TypeError(f"expected a number from {lowest:g} to {highest:g}, got {number!r}")
        return cls(file, least, weight)


class Fluency:
    """What is subtracted from the log-probabilities of words that must not come next.

    Words whose class is too improbable after those before it, with a language model's log-probabilities below a least
    one: a variant of shallow fusion (Gulcehre et al., "On Using Monolingual Corpora in Neural Machine Translation",
    2015) that leaves usual words the probabilities of the decoder. And "photo" and the like right after a colour, but
    for black, white and grey where the image has no colours.

    Args:
        bundle: a captioner with the setting ``fluency``.

    Raises:
        BundleError: its model of word classes cannot be read, or is of other words.
    """

    def __init__(self, bundle: Bundle) -> None:
        config = bundle.setting("fluency", FluencyConfig.from_dict)
        vocabulary = bundle.require_vocabulary()
        path = bundle_file(bundle.folder, config.file)
        if vocabulary.pieces:
            raise BundleError(f"{bundle.folder}: settings.fluency is for models that write in words; export it again")
        try:
            (conjunction,) = vocabulary.encode(["and"])
            self._trigrams = ClassTrigrams.load(path, vocabulary_size=len(vocabulary), conjunction=conjunction)
        except (OSError, ValueError) as error:
            raise BundleError(f"{path}: cannot be read ({error}); install or export the model again") from error
        self._penalties = config.weight * np.maximum(0, config.least - self._trigrams.logprobs)
        masks = (word_mask(vocabulary.words, words.split()) for words in (_GREYS, _HUES, _PICTURES))
        self._greys, self._hues, self._pictures = masks

    def penalty(self, beams: Beams, coloured: np.ndarray) -> np.ndarray:
        """Return what is subtracted from the log-probabilities of the next words, ``(N, V)`` float32.

        Args:
            beams: ``N`` sentences so far.
            coloured: ``(B,)`` bool, whether the images that they are of have colours.
        """
        penalty = self._trigrams.after(beams.tokens, self._penalties)
        if beams.words:
            last = beams.tokens[:, -1]
            rows = self._hues[last] | (self._greys[last] & coloured[beams.image])
            penalty[np.ix_(rows, self._pictures)] = np.inf
        return penalty
