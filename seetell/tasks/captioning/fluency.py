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
from seetell.runtime.setting_checks import numbers

COLOURED = "coloured"
"""Name of the feature of an image, ``(B,)`` bool, that says whether it has colours."""

_GREYS = "black dark gray grey white"
_HUES = "blue brown green orange pink purple red tan yellow"
_PICTURES = "image photo photograph picture shot view"


@dataclass(frozen=True)
class FluencyConfig:
    """The setting ``fluency`` of a bundle.

    Attributes:
        file: of the model of word classes, in the bundle's folder.
        min_logprob: log-probability of a word's class from which on it is not avoided.
        weight: of what it is below that.
    """

    file: str
    min_logprob: float
    weight: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FluencyConfig:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is of another type.
        """
        if not isinstance(file := content["file"], str):
            raise TypeError(f"expected the name of a file, got {file!r}")
        below = numbers(content, ["min_logprob"], least=-100, most=0, expected="a number from -100 to 0")
        weighed = numbers(content, ["weight"], least=0, most=100, expected="a number from 0 to 100")
        return cls(file, **below, **weighed)


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
            trigrams = ClassTrigrams.load(path, vocabulary_size=len(vocabulary), conjunction=conjunction)
        except (OSError, ValueError) as error:
            raise BundleError(f"{path}: cannot be read ({error}); install or export the model again") from error
        self._words = trigrams.words
        self._penalties = config.weight * np.maximum(0, config.min_logprob - trigrams.logprobs)
        masks = (word_mask(vocabulary.words, words.split()) for words in (_GREYS, _HUES, _PICTURES))
        self._greys, self._hues, self._pictures = masks

    def penalty(self, beams: Beams, coloured: np.ndarray) -> np.ndarray:
        """Return what is subtracted from the log-probabilities of the next words, ``(N, V)`` float32.

        Args:
            beams: ``N`` sentences so far.
            coloured: ``(B,)`` bool, whether the images that they are of have colours.
        """
        penalty = self._words.values(self._penalties, beams.tokens)
        if beams.words:
            last = beams.tokens[:, -1]
            rows = self._hues[last] | (self._greys[last] & coloured[beams.image])
            penalty[np.ix_(rows, self._pictures)] = np.inf
        return penalty
