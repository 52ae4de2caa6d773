"""The phrase of a region, chosen among those that beam search finds.

Minimum Bayes risk decoding (Kumar & Byrne, "Minimum Bayes-Risk Decoding for Statistical Machine Translation", NAACL
2004): not the most probable phrase, but the one that is expected to be most like a phrase drawn from the model. How
alike two phrases are is METEOR (Denkowski & Lavie 2014) on words that are the same, counted as DenseCap's metric counts
it: the share of its thresholds that METEOR exceeds. Letters: ``N`` regions, ``K`` phrases of a region, ``T`` words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seetell.language.hypotheses import Hypothesis


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PRONOUNS = _words(
    "he she it they him them his her hers its their theirs himself herself itself themselves i we you me us my our "
    "your one ones other others another some something someone each"
)
"""Words that are never generated: a phrase stands alone, and nothing before it says who they are."""

FUNCTION_WORDS = PRONOUNS | _words(
    "a an the this that these those some of in on at with to by for from into onto over under through near beside "
    "behind and or is are as up down out off while who which there very"
)
"""Words that weigh less in the likeness of phrases."""

THRESHOLDS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
"""Those of METEOR in DenseCap's metric, :data:`seetell.metrics.dense.METEORS`."""

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.2, 0.6, 0.75
"""METEOR's parameters for English: weights of precision, of fragmentation (a power, a factor) and of content words."""


class Chosen(NamedTuple):
    """A phrase of a region.

    Attributes:
        hypothesis: the phrase.
        likeness: how alike it is expected to be to a phrase drawn from the model, from 0 to 1.
    """

    hypothesis: Hypothesis
    likeness: float


def repeats_word(tokens: Sequence[int], function_words: np.ndarray) -> bool:
    """Return whether a phrase has a content word twice, as in "red and red".

    Args:
        tokens: word indices.
        function_words: which words of the vocabulary may be repeated, ``(V,)`` bool.
    """
    content = [token for token in tokens if not function_words[token]]
    return len(set(content)) < len(content)


def choose(ranked: Sequence[Sequence[Hypothesis]], function_words: np.ndarray, *, temperature: float) -> list[Chosen]:
    """Choose a phrase for every region.

    Args:
        ranked: for each of ``N`` regions its hypotheses, at least one with a word.
        function_words: which words of the vocabulary weigh less, ``(V,)`` bool.
        temperature: by which log-probabilities are divided; beam search finds few of the phrases that are left.
    """
    if not ranked:
        return []
    count, longest = max(map(len, ranked)), max(len(each.tokens) for row in ranked for each in row)
    tokens = np.full((len(ranked), count, longest), -1)
    logprobs = np.full((len(ranked), count), -np.inf)
    for row, hypotheses in enumerate(ranked):
        for place, each in enumerate(hypotheses):
            tokens[row, place, : len(each.tokens)] = each.tokens
            logprobs[row, place] = max(each.logprob, -1e3)
    scaled = np.exp((logprobs - logprobs.max(axis=1, keepdims=True)) / temperature)
    probabilities = scaled / scaled.sum(axis=1, keepdims=True)
    passed = np.mean([likeness(tokens, function_words) > threshold for threshold in THRESHOLDS], axis=0)  # (N, K, K)
    expected = np.where(np.isfinite(logprobs), (passed @ probabilities[..., None])[..., 0], -1.0)
    best = expected.argmax(axis=1)
    return [
        Chosen(hypotheses[place], float(values[place]))
        for hypotheses, place, values in zip(ranked, best, expected, strict=True)
    ]


def likeness(tokens: np.ndarray, function_words: np.ndarray) -> np.ndarray:
    """Return METEOR of every phrase of a region against every other, by words that are the same.

    Words that a phrase repeats match once; chunks are counted by pairs of neighbours that both have, which is exact but
    for repeated words.

    Args:
        tokens: ``(N, K, T)`` word indices, -1 in padding.
        function_words: ``(V,)`` bool.

    Returns:
        ``(N, K, K)``, the candidate first.
    """
    real = tokens >= 0
    weights = np.where(real, np.where(function_words[tokens], 1 - DELTA, DELTA), 0.0)
    same = (tokens[:, :, None, :, None] == tokens[:, None, :, None, :]) & real[:, :, None, :, None]  # (N, K, K, T, T)
    hits = same.any(axis=4)
    matched = hits.sum(axis=3)
    neighbours = (same[..., :-1, :-1] & same[..., 1:, 1:]).any(axis=4).sum(axis=3)
    chunks = np.maximum(matched - neighbours, 1)
    weight = (hits * weights[:, :, None]).sum(axis=3)
    total = np.maximum(weights.sum(axis=2), 1e-9)
    precision, recall = weight / total[:, :, None], weight / total[:, None, :]
    mean = precision * recall / np.maximum(ALPHA * precision + (1 - ALPHA) * recall, 1e-9)
    lengths = real.sum(axis=2)
    whole = (matched == lengths[:, :, None]) & (matched == lengths[:, None, :]) & (chunks == 1)
    fragments = np.where(whole, 0.0, chunks / np.maximum(matched, 1))
    result: np.ndarray = np.where(matched > 0, mean * (1 - GAMMA * fragments**BETA), 0.0)
    return result
