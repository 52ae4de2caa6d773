"""A sentence cut into phrases that each speak of one part of a photo."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from seetell.errors import UsageError
from seetell.language.function_words import FUNCTION_WORDS, OPENING_WORDS
from seetell.language.mrf import align, runs

BETA = 0.1
"""The default: enough to join chunks that could as well speak of one region; a caption has two or three phrases."""


def phrases(
    tokens: Sequence[str], scores: np.ndarray, *, known: Sequence[bool] | None = None, beta: float = BETA
) -> list[tuple[int, int]]:
    """Cut a sentence where it begins to speak of another region.

    The parts that choose their regions by :func:`seetell.language.mrf.align` are not the single words, as in the paper,
    but chunks, such as *a brown dog runs* and *on the grass*: words alone cut an adjective off its noun. A chunk's
    score with a region is the sum of its words' scores, without function words and words that the model does not know.

    Args:
        tokens: the sentence's ``T`` words.
        scores: of each word with each region, ``(T, R)``.
        known: which of the words the model knows, all of them when absent.
        beta: the bonus for neighbours with one region, in standard deviations of a chunk's scores around their mean.

    Returns:
        For each phrase the places of its first word and behind its last, together the whole sentence; none if the model
        knows no word but function words.

    Raises:
        UsageError: ``beta`` is negative, or a score is not a finite number.
    """
    if not beta >= 0:
        raise UsageError(f"beta must be 0 or more, got {beta}")
    known = [True] * len(tokens) if known is None else known
    chunks = _chunks(tokens, [place for place, token in enumerate(tokens) if known[place] and _tells(token)])
    if not chunks:
        return []
    unary = np.stack([scores[chunk].sum(axis=0) for chunk in chunks])
    deviation = float((unary - unary.mean(axis=1, keepdims=True)).std())
    edges = [chunks[run.stop - 1][-1] + 1 for run in runs(unary, align(unary, beta=beta * deviation))]
    return list(zip([0, *edges[:-1]], [*edges[:-1], len(tokens)], strict=True))


def _tells(token: str) -> bool:
    return token not in FUNCTION_WORDS


def _chunks(tokens: Sequence[str], telling: Sequence[int]) -> list[list[int]]:
    """Group the places of telling words: a new chunk begins behind an opening word.

    Unless *of* leads to that, as in *the middle of the road*, or the same word stands on both sides: *side by side*.
    """
    chunks = [[place] for place in telling[:1]]
    for last, place in itertools.pairwise(telling):
        between = tokens[last + 1 : place]
        if OPENING_WORDS.isdisjoint(between) or between[0] == "of" or tokens[last] == tokens[place]:
            chunks[-1].append(place)
        else:
            chunks.append([place])
    return chunks
