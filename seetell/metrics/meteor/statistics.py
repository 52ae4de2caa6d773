"""METEOR's score from the statistics of alignments (Denkowski & Lavie 2014, "Meteor Universal").

With weights w_i of the matchers and δ of content words against function words, the matched words of candidate and
reference weigh Σ w_i (δ content_i + (1 - δ) function_i); divided by the weight of all words they are the precision P
and the recall R. Then F = P R / (α P + (1 - α) R), the penalty is γ (chunks / matched words)^β, with the mean number of
matched words of both sides, and the score is F (1 - penalty).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seetell.metrics.ngrams import Floats

_ALPHA, _BETA, _GAMMA, _DELTA = 0.85, 0.2, 0.6, 0.75
_WEIGHTS = (1.0, 0.6, 0.8, 0.6)
"""Weights of equal words, stems, synonyms and paraphrases."""

MATCHERS = len(_WEIGHTS)
SIDE = 2 + 2 * MATCHERS
"""Number of statistics of a candidate or reference: words, function words, matched content words by matcher, matched
function words by matcher."""


@dataclass(frozen=True)
class MeteorScores:
    """METEOR of ``P`` photos, from 0 to 1.

    Attributes:
        statistics: ``(P, 21)``, for each photo with its best reference the statistics of the candidate and of the
            reference, then the chunks of their alignment, 0 if it is one chunk of all words.
    """

    statistics: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Coco-caption's name, as the only one."""
        return ("METEOR",)

    @property
    def corpus(self) -> float:
        """The corpus score; not the mean of the photos' scores."""
        return float(self.combine(self.statistics.sum(axis=0, keepdims=True))[0, 0])

    @property
    def per_photo(self) -> Floats:
        """The score of each photo, ``(P,)``."""
        return meteor_of(self.statistics)

    def combine(self, sums: Floats) -> Floats:
        """Return the scores of sets of photos, ``(sets, 1)``.

        Args:
            sums: the statistics summed over the photos of each set, ``(sets, 21)``.
        """
        return meteor_of(sums)[:, None]


def meteor_of(statistics: Floats) -> Floats:
    """Return METEOR from statistics of a pair of sentences, or of their sums.

    Args:
        statistics: see ``MeteorScores``, ``(N, 21)``.

    Returns:
        From 0 to 1, ``(N,)``; 0 where nothing matched or a sentence is empty.
    """
    candidate, reference, chunks = statistics[:, :SIDE], statistics[:, SIDE : 2 * SIDE], statistics[:, 2 * SIDE]
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = _matched_share(candidate), _matched_share(reference)
        mean = 1.0 / ((1.0 - _ALPHA) / precision + _ALPHA / recall)
        fragmentation = chunks / ((candidate[:, 2:].sum(axis=1) + reference[:, 2:].sum(axis=1)) / 2.0)
        scores: Floats = mean * (1.0 - _GAMMA * fragmentation**_BETA)
    scores[np.isnan(scores)] = 0.0
    return scores


def _matched_share(side: Floats) -> Floats:
    """Return the weight of matched words over that of all words, ``(N,)``."""
    weight = np.zeros(len(side))
    for first, of_words in ((2, _DELTA), (2 + MATCHERS, 1.0 - _DELTA)):
        for matcher, of_matcher in enumerate(_WEIGHTS):
            weight += side[:, first + matcher] * of_matcher * of_words
    words, function_words = side[:, 0], side[:, 1]
    share: Floats = weight / (_DELTA * (words - function_words) + (1.0 - _DELTA) * function_words)
    return share
