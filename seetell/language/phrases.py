"""Segment a sentence into phrases that each describe one part of a photo, by a Markov random field over its words.

Karpathy & Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image Descriptions", 2015, section 3.1.4: each word
has a region, and neighbours prefer the same one. Letters: ``B`` sentences, ``T`` words, ``R`` regions.
"""

from __future__ import annotations

import itertools
from collections.abc import Container, Sequence
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


_DETERMINERS = (
    "a an the this that these those some any each every no both all another other my your his her its our their"
)
_PRONOUNS = (
    "i me you he him she it we us they them itself himself herself themselves who whom whose which what one ones "
    "something someone there here"
)
_AUXILIARIES = (
    "is are was were be been being am 's 're 've 'm 'd 'll has have had having do does did doing can could will would "
    "shall should may might must not n't to"
)
_CONJUNCTIONS = "but nor so yet as if while when where than then because although though"
_PREPOSITIONS = (
    "about above across after against along alongside amid among around at atop away back before behind below beneath "
    "beside besides between beyond by down during for from in inside into like near next off on onto out outside over "
    "past through throughout together toward towards under underneath up upon with within without"
)
_DEGREES = "also almost even just only quite rather too very"

OPENING_WORDS = frozenset(" ".join([_DETERMINERS, _PRONOUNS, _CONJUNCTIONS, _PREPOSITIONS]).split())
"""Function words before which a new phrase may begin."""

JOINING_WORDS = frozenset(f"and or of {_AUXILIARIES} {_DEGREES}".split())
"""Function words that join two words of a phrase: *black and white*, *two dogs are running*, *a group of people*."""

FUNCTION_WORDS = OPENING_WORDS | JOINING_WORDS
"""English words that hold a sentence together and name nothing visible; lower case, as the tokenizer splits them."""

BETA = 0.1
"""Default bonus, which joins chunks that fit one region equally well; a caption then has two or three phrases."""


def word_mask(vocabulary: Sequence[str], words: Container[str]) -> np.ndarray:
    """Return which of the ``V`` words of a vocabulary are among others, ``(V,)`` bool."""
    return np.fromiter((word in words for word in vocabulary), bool, len(vocabulary))


def segment_sentence(
    tokens: Sequence[str], scores: np.ndarray, *, known: Sequence[bool] | None = None, beta: float = BETA
) -> list[tuple[int, int]]:
    """Split a sentence where it begins to describe another region.

    The units assigned to regions by :func:`viterbi_decode` are not single words, as in the paper, but chunks, such as
    *a brown dog runs* and *on the grass*: single words would cut an adjective off its noun. A chunk's score with a
    region is the sum of its words' scores, without function words and out-of-vocabulary words.

    Args:
        tokens: the sentence's ``T`` words.
        scores: of each word with each region, ``(T, R)``.
        known: whether each word is in the model's vocabulary, ``T`` values; all are by default.
        beta: the bonus for neighbouring chunks with the same region, in standard deviations of a chunk's scores
            around their mean.

    Returns:
        For each phrase the indices ``(start, stop)`` of its first word and after its last; together they cover the
        sentence. Empty if the model knows no content word.

    Raises:
        UsageError: ``beta`` is negative, or a score is not a finite number.
    """
    if not beta >= 0:
        raise UsageError(f"beta must be 0 or more, got {beta}")
    known = [True] * len(tokens) if known is None else known
    content = [i for i, token in enumerate(tokens) if known[i] and token not in FUNCTION_WORDS]
    chunks = _chunks(tokens, content)
    if not chunks:
        return []
    unary = np.stack([scores[chunk].sum(axis=0) for chunk in chunks])
    deviation = float((unary - unary.mean(axis=1, keepdims=True)).std())
    regions = viterbi_decode(unary, beta=beta * deviation)
    edges = [chunks[segment.stop - 1][-1] + 1 for segment in segments(unary, regions)]
    return list(zip([0, *edges[:-1]], [*edges[:-1], len(tokens)], strict=True))


def _chunks(tokens: Sequence[str], content: Sequence[int]) -> list[list[int]]:
    """Group the positions of content words: a new chunk begins after an opening word.

    Exceptions: *of* leads to the opening word, as in *the middle of the road*, or the same word is on both sides, as in
    *side by side*.
    """
    chunks = [[position] for position in content[:1]]
    for last, position in itertools.pairwise(content):
        between = tokens[last + 1 : position]
        if OPENING_WORDS.isdisjoint(between) or between[0] == "of" or tokens[last] == tokens[position]:
            chunks[-1].append(position)
        else:
            chunks.append([position])
    return chunks
