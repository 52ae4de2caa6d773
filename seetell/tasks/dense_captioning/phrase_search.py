"""Search a phrase for every region: none that contradicts what an object detector found, if another is to be had.

Letters: ``N`` regions, ``V`` words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from seetell.language.decoding import Decoding, Hypothesis
from seetell.language.phrases import word_mask
from seetell.runtime.tags import Detections
from seetell.tasks.captioning.decoder import Decoder
from seetell.tasks.dense_captioning.object_agreement import Doubts, ObjectAgreement
from seetell.tasks.dense_captioning.phrases import FUNCTION_WORDS, PRONOUNS, Chosen, choose, repeats_word


class PhraseSearch:
    """Searches phrases, without pronouns, and chooses one for each region.

    Attributes:
        decoding: how it searches.
        temperature: of the choice among the phrases found, see :func:`~.phrases.choose`.

    Args:
        decoder: of the captioner.
        decoding: how it searches.
        temperature: of the choice.
        words: of the vocabulary, ``V``.
        agreement: what phrases may name, given what the detector found; ``None`` without one.
    """

    def __init__(
        self,
        decoder: Decoder,
        decoding: Decoding,
        temperature: float,
        *,
        words: Sequence[str],
        agreement: ObjectAgreement | None,
    ) -> None:
        self.decoding, self.temperature = decoding, temperature
        self._decoder, self._agreement = decoder, agreement
        self._pronouns, self._function_words = word_mask(words, PRONOUNS), word_mask(words, FUNCTION_WORDS)

    def __call__(
        self,
        features: Mapping[str, np.ndarray],
        boxes: np.ndarray,
        owners: np.ndarray,
        found: Sequence[Detections] | None,
    ) -> tuple[dict[int, Chosen], set[int]]:
        """Choose a phrase for each of ``N`` regions.

        Args:
            features: what the decoder reads of them.
            boxes: ``(N, 4)`` normalised to [0, 1].
            owners: ``(N,)`` their images, ascending.
            found: in each image.

        Returns:
            The phrase of each region that has one, and of which regions none agrees with what the detector found.
        """
        forbidden = np.tile(self._pronouns, (len(boxes), 1))
        ranked = self._search(features, forbidden)
        agreement = self._agreement
        disputed: set[int] = set()
        if agreement is not None and found is not None:
            each = [agreement.doubts(boxes[owners == photo], one) for photo, one in enumerate(found)]
            doubts = Doubts(*(np.concatenate(part) for part in zip(*each, strict=True)))

            def agreeing(row: int, hypotheses: Sequence[Hypothesis]) -> list[Hypothesis]:
                return [one for one in hypotheses if agreement.allows(doubts, row, one.tokens)]

            first, ranked = ranked, [agreeing(row, hypotheses) for row, hypotheses in enumerate(ranked)]
            again = np.array([row for row, hypotheses in enumerate(ranked) if not hypotheses], np.intp)
            if len(again):
                without = forbidden[again] | agreement.words_naming(doubts.unlikely[again])
                searched = self._search({name: value[again] for name, value in features.items()}, without)
                for row, hypotheses in zip(again.tolist(), searched, strict=True):
                    ranked[row] = agreeing(row, hypotheses)
                    if not ranked[row]:
                        disputed.add(row)
                        ranked[row] = first[row]
        described = [row for row, hypotheses in enumerate(ranked) if hypotheses]
        picked = choose([ranked[row] for row in described], self._function_words, temperature=self.temperature)
        return dict(zip(described, picked, strict=True)), disputed

    def _search(self, features: Mapping[str, np.ndarray], forbidden: np.ndarray) -> list[list[Hypothesis]]:
        """Search phrases of at least a word that end, and say no content word twice."""
        ranked = self._decoder.hypotheses(features, self.decoding, forbidden=forbidden)
        return [
            [
                each
                for each in row
                if each.tokens and math.isfinite(each.logprob) and not repeats_word(each.tokens, self._function_words)
            ]
            for row in ranked
        ]
