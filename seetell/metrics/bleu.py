"""BLEU-1 to BLEU-4 (Papineni et al. 2002, "BLEU: a method for automatic evaluation of machine translation").

BLEU-n = brevity penalty × (p_1 · … · p_n)^(1/n), with p_k the share of the candidates' k-grams that stand in a
reference of the same photo, each counted at most as often as in the reference that has it most often.
As in coco-caption, the reference length is the one closest to the candidate's, the shorter of two equally close,
and tiny constants keep a precision of 0 from making everything 0: they matter for the score of a single photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seetell.metrics.ngrams import Floats, Ints, NGrams, Tokens, count_ngrams

_SMALL = 1e-9  # added to what is divided by
_TINY = 1e-15  # added to what is divided


@dataclass(frozen=True)
class BleuScores:
    """BLEU-1 … BLEU-4, from 0 to 1.

    Attributes:
        corpus: of all photos together, ``(4,)``; not the mean of the photos' scores.
        per_photo: of each photo alone, ``(P, 4)``.
    """

    corpus: Floats
    per_photo: Floats


def bleu(references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens]) -> BleuScores:
    """Score candidates against references.

    Args:
        references: the tokenised references of each photo, at least one.
        candidates: the tokenised candidate of each photo; may be empty.

    Raises:
        DataError: the two do not agree in length, or a photo has no reference.

    Example:
        >>> scores = bleu([[["a", "dog", "runs"]]], [["a", "dog"]])
        >>> round(float(scores.corpus[0]), 4)  # precision 1, penalty exp(1 - 3/2)
        0.6065
    """
    return bleu_of(count_ngrams(references, candidates))


def bleu_of(ngrams: NGrams) -> BleuScores:
    """Score from n-grams already counted; see ``bleu``."""
    photos = len(ngrams.candidate_lengths)
    orders = len(ngrams.tables)
    correct = np.zeros((photos, orders))
    for k, table in enumerate(ngrams.tables):
        most = np.zeros(len(table.candidate_count), np.int64)  # in any one reference of the photo
        matched = table.match >= 0
        np.maximum.at(most, table.match[matched], table.reference_count[matched])
        clipped = np.minimum(most, table.candidate_count)
        correct[:, k] = np.bincount(table.candidate_photo, clipped, minlength=photos)
    guessed = np.maximum(ngrams.candidate_lengths[:, None] - np.arange(orders), 0).astype(np.float64)
    closest = _closest_lengths(ngrams)
    return BleuScores(
        corpus=_combine(
            correct.sum(axis=0, keepdims=True),
            guessed.sum(axis=0, keepdims=True),
            ngrams.candidate_lengths.sum(keepdims=True),
            closest.sum(keepdims=True),
        )[0],
        per_photo=_combine(correct, guessed, ngrams.candidate_lengths, closest),
    )


def _closest_lengths(ngrams: NGrams) -> Ints:
    """Return the length of the reference closest to each candidate's, on a tie the shorter, ``(P,)``."""
    distance = np.abs(ngrams.reference_lengths - ngrams.candidate_lengths[ngrams.reference_photos])
    base = int(ngrams.reference_lengths.max()) + 1
    first = np.searchsorted(ngrams.reference_photos, np.arange(len(ngrams.candidate_lengths)))
    closest: Ints = np.minimum.reduceat(distance * base + ngrams.reference_lengths, first) % base
    return closest


def _combine(correct: Floats, guessed: Floats, length: Ints, reference_length: Ints) -> Floats:
    """Return BLEU-1 … BLEU-n of each row, ``(rows, n)``."""
    precision = (correct + _TINY) / (guessed + _SMALL)
    orders = np.arange(1, correct.shape[1] + 1)
    means = np.cumprod(precision, axis=1) ** (1 / orders)
    ratio = (length + _TINY) / (reference_length + _SMALL)
    scores: Floats = means * np.exp(np.minimum(1 - 1 / ratio, 0.0))[:, None]
    return scores
