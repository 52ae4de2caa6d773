"""BLEU-1 to BLEU-4 (Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation").

BLEU-n = brevity penalty × (p_1 · … · p_n)^(1/n), with p_k the clipped precision of k-grams: the share of the
candidates' k-grams that occur in a reference of the same photo, each counted at most as often as in the reference that
has it most often. As in coco-caption, the reference length is the one closest to the candidate's, the shorter on a tie,
and tiny constants keep a precision of 0 from making the score 0: they matter for the score of a single photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seetell.metrics.ngrams import Floats, Ints, NGrams, Tokens, count_ngrams

_SMALL = 1e-9  # added to denominators
_TINY = 1e-15  # added to numerators


@dataclass(frozen=True)
class BleuScores:
    """BLEU-1 … BLEU-n of ``P`` photos, from 0 to 1.

    Attributes:
        statistics: ``(P, 2n + 2)``, for each photo the number of matched n-grams of each order, the number of n-grams
            of each order, the length of the candidate and of the reference closest in length, in words.
    """

    statistics: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """``Bleu_1`` … ``Bleu_n``."""
        return tuple(f"Bleu_{order}" for order in range(1, self.statistics.shape[1] // 2))

    @property
    def corpus(self) -> Floats:
        """The corpus scores, ``(n,)``; not the means of the photos' scores."""
        scores: Floats = self.combine(self.statistics.sum(axis=0, keepdims=True))[0]
        return scores

    @property
    def per_photo(self) -> Floats:
        """The scores of each photo alone, ``(P, n)``."""
        return self.combine(self.statistics)

    def combine(self, sums: Floats) -> Floats:
        """Return the scores of sets of photos, ``(sets, n)``.

        Args:
            sums: the statistics summed over the photos of each set, ``(sets, 2n + 2)``.
        """
        highest = len(self.names)
        correct, total, length, closest = np.split(sums, [highest, 2 * highest, 2 * highest + 1], axis=1)
        precision = (correct + _TINY) / (total + _SMALL)
        means = np.cumprod(precision, axis=1) ** (1 / np.arange(1, highest + 1))
        ratio = (length + _TINY) / (closest + _SMALL)
        scores: Floats = means * np.exp(np.minimum(1 - 1 / ratio, 0.0))
        return scores


def bleu(references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens]) -> BleuScores:
    """Score candidates against references.

    Args:
        references: the tokenised references of each photo, at least one.
        candidates: the tokenised candidate of each photo; may be empty.

    Raises:
        DataError: the two differ in length, or a photo has no reference.

    Example:
        >>> scores = bleu([[["a", "dog", "runs"]]], [["a", "dog"]])
        >>> round(float(scores.corpus[0]), 4)  # precision 1, penalty exp(1 - 3/2)
        0.6065
    """
    return bleu_of(count_ngrams(references, candidates))


def bleu_of(ngrams: NGrams) -> BleuScores:
    """Score counted n-grams; see ``bleu``."""
    photos = len(ngrams.candidate_lengths)
    orders = len(ngrams.tables)
    correct = np.zeros((photos, orders))
    for k, table in enumerate(ngrams.tables):
        reference_max = np.zeros(len(table.candidate_count), np.int64)  # in any one reference of the photo
        matched = table.match >= 0
        np.maximum.at(reference_max, table.match[matched], table.reference_count[matched])
        clipped = np.minimum(reference_max, table.candidate_count)
        correct[:, k] = np.bincount(table.candidate_photo, clipped, minlength=photos)
    total = np.maximum(ngrams.candidate_lengths[:, None] - np.arange(orders), 0)
    return BleuScores(np.column_stack([correct, total, ngrams.candidate_lengths, _closest_lengths(ngrams)]))


def _closest_lengths(ngrams: NGrams) -> Ints:
    """Return the reference length closest to each candidate's, the shorter on a tie, ``(P,)``."""
    distance = np.abs(ngrams.reference_lengths - ngrams.candidate_lengths[ngrams.reference_photos])
    base = int(ngrams.reference_lengths.max()) + 1
    first = np.searchsorted(ngrams.reference_photos, np.arange(len(ngrams.candidate_lengths)))
    closest: Ints = np.minimum.reduceat(distance * base + ngrams.reference_lengths, first) % base
    return closest
