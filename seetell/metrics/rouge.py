"""ROUGE-L (Lin 2004, "ROUGE: a package for automatic evaluation of summaries", equations 2 to 4).

The longest common subsequence of candidate and reference gives a precision (of the candidate's length) and a recall (of
the reference's). As in coco-caption, the best precision and the best recall over the references, even of different
references, are combined with beta 1.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.metrics.ngrams import Floats, Tokens, check_photos

_BETA = 1.2


def rouge(references: Sequence[Sequence[Tokens]], candidates: Sequence[Tokens]) -> Floats:
    """Score candidates against references.

    Args:
        references: the tokenised references of each photo, at least one.
        candidates: the tokenised candidate of each photo. An empty sentence counts as one empty word, so
            it only matches another empty one.

    Returns:
        ROUGE-L of each photo, from 0 to 1, ``(P,)``; the corpus score is their mean.

    Raises:
        DataError: the two differ in length, or a photo has no reference.
    """
    check_photos(references, candidates)
    return np.array([_score(*pair) for pair in zip(references, candidates, strict=True)])


def _score(references: Sequence[Tokens], candidate: Tokens) -> float:
    """Return ROUGE-L of one candidate."""
    candidate = candidate or ("",)
    positions: dict[str, int] = {}  # of each word in the candidate, as bits
    for bit, word in enumerate(candidate):
        positions[word] = positions.get(word, 0) | 1 << bit
    precision = recall = 0.0
    for reference in references:
        reference = reference or ("",)
        common = _common_subsequence_length(positions, len(candidate), reference)
        precision = max(precision, common / len(candidate))
        recall = max(recall, common / len(reference))
    if not precision:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common_subsequence_length(positions: dict[str, int], length: int, other: Tokens) -> int:
    """Return the length of the longest common subsequence of two sentences.

    A column of the dynamic-programming table fits into one integer, as its neighbours differ by 0 or 1: a bit is 0
    where the value increases, and one addition advances the column by a word (Hyyrö 2004, "Bit-parallel LCS-length
    computation revisited").

    Args:
        positions: for each word of the first sentence, its positions as bits.
        length: number of words in the first sentence.
        other: the second sentence.
    """
    full = (1 << length) - 1
    column = full
    for word in other:
        here = positions.get(word)
        if here:
            hit = column & here
            column = (column + hit | column - hit) & full
    return length - column.bit_count()
