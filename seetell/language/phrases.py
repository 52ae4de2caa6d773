"""Segment a sentence into phrases that each describe one part of a photo."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from seetell.errors import UsageError
from seetell.language.mrf import segments, viterbi_decode

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


def segment_sentence(
    tokens: Sequence[str], scores: np.ndarray, *, known: Sequence[bool] | None = None, beta: float = BETA
) -> list[tuple[int, int]]:
    """Split a sentence where it begins to describe another region.

    The units assigned to regions by :func:`seetell.language.mrf.viterbi_decode` are not single words, as in the paper,
    but chunks, such as *a brown dog runs* and *on the grass*: single words would cut an adjective off its noun. A
    chunk's score with a region is the sum of its words' scores, without function words and out-of-vocabulary words.

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
