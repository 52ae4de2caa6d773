"""A Markov random field over the words of a sentence: the region of each word, neighbours preferring the same one.

Karpathy & Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image Descriptions", 2015, section 3.1.4. Letters:
``B`` sentences, ``T`` words, ``R`` regions.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import UsageError


@dataclass(frozen=True)
class Segment:
    """Neighbouring words that describe one region.

    Attributes:
        start: index of its first word in the sentence.
        stop: index after its last word.
        region: index of the region.
        score: the sum of its words' scores with that region.
    """

    start: int
    stop: int
    region: int
    score: float


def viterbi_decode(unary: np.ndarray, *, beta: float, lengths: Sequence[int] | None = None) -> np.ndarray:
    """Choose the regions a_1 … a_T that maximise Σ_j unary[j, a_j] + β Σ_j 1[a_j = a_{j+1}] (eqs. 10–12).

    The paper writes the same as an energy and minimises it. With a single bonus for staying, the best
    predecessor of a region is the region itself or the best of all, so exact dynamic programming takes O(T·R)
    and not O(T·R²).

    Args:
        unary: each word's score v_i·s_j with each region, ``(T, R)``, or a batch ``(B, T, R)``.
        beta: the bonus β of each pair of neighbours with the same region, at least 0: 0 assigns every word on its own,
            larger values make segments longer.
        lengths: number of words in each sentence of a batch, the rest being padding; all ``T`` by default.

    Returns:
        Region indices ``(T,)`` or ``(B, T)`` int64; padding repeats its sentence's last region.

    Raises:
        UsageError: the shapes do not fit, ``beta`` is negative, or a score is not a finite number.

    Example:
        >>> viterbi_decode(np.array([[3.0, 0.0], [1.0, 1.5], [2.0, 0.0]]), beta=1.0)
        array([0, 0, 0])
    """
    batch = unary[None] if unary.ndim == 2 else unary
    _check(batch, beta, lengths)
    count, words, regions = batch.shape
    real = np.full(count, words) if lengths is None else np.asarray(lengths)
    rows = np.arange(count)
    best = batch[:, 0].astype(np.float64)  # (B, R): the best total of a sentence so far that ends in a region
    came_from = np.empty((words, count, regions), np.int64)
    stay = np.arange(regions)
    for word in range(1, words):
        top = best.argmax(axis=1)
        switched = best[rows, top][:, None]
        stays = best + beta >= switched
        came_from[word] = np.where(stays, stay, top[:, None])
        following = np.where(stays, best + beta, switched) + batch[:, word]
        goes_on = word < real
        best = np.where(goes_on[:, None], following, best)
        came_from[word, ~goes_on] = stay
    chosen = np.empty((count, words), np.int64)
    chosen[:, -1] = best.argmax(axis=1)
    for word in range(words - 1, 0, -1):
        chosen[:, word - 1] = came_from[word, rows, chosen[:, word]]
    return chosen[0] if unary.ndim == 2 else chosen


def segments(unary: np.ndarray, chosen: np.ndarray) -> list[Segment]:
    """Join neighbouring words with the same region.

    Args:
        unary: the scores of one sentence, ``(T, R)``.
        chosen: its regions, ``(T,)``, as returned by :func:`viterbi_decode`.
    """
    edges = [0, *(np.flatnonzero(np.diff(chosen)) + 1).tolist(), len(chosen)]
    scores = np.take_along_axis(unary, chosen[:, None], axis=1)[:, 0]
    return [
        Segment(start, stop, int(chosen[start]), float(scores[start:stop].sum()))
        for start, stop in itertools.pairwise(edges)
    ]


def _check(batch: np.ndarray, beta: float, lengths: Sequence[int] | None) -> None:
    if batch.ndim != 3 or 0 in batch.shape[1:]:
        raise UsageError(f"expected scores of words × regions, at least one of each, got the shape {batch.shape}")
    if not beta >= 0:
        raise UsageError(f"beta: expected 0 or more, got {beta}")
    if lengths is not None and (len(lengths) != len(batch) or not all(1 <= n <= batch.shape[1] for n in lengths)):
        raise UsageError(
            f"lengths: expected {len(batch)} numbers of words from 1 to {batch.shape[1]}, got {list(lengths)}"
        )
    if not np.isfinite(batch).all():
        raise UsageError("expected finite scores of words and regions, but some are infinite or not a number")
