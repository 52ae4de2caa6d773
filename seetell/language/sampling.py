"""Decoding by sampling: temperature, top-k and nucleus sampling, one sentence per image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.language.hypotheses import Beams, Hypothesis, Limits, State, Step, generate


def sample(
    step: Step,
    state: State,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    sample_ids: Sequence[int],
    limits: Limits,
) -> list[list[Hypothesis]]:
    """Sample a sentence for each image, word by word.

    Each image has its own stream of random numbers, so its sentence depends neither on the other images nor on the
    batching. Log-probabilities are those before filtering.

    The options are those of :class:`~seetell.language.decoding.Decoding` (``top_p``: nucleus sampling, Holtzman et al.
    2020), the others those of :func:`~seetell.language.hypotheses.generate` and ``decode``.

    Returns:
        For each image a list with its one sentence.
    """
    uniform = np.empty((len(state[0]), limits.max_words))
    for image, sample_id in enumerate(sample_ids):
        uniform[image] = np.random.default_rng((seed, sample_id)).random(limits.max_words)

    def choose(live: Beams, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        weights = filtered_probabilities(allowed, temperature=temperature, top_k=top_k, top_p=top_p)
        words = draw(weights, uniform[live.image, live.words])
        gained = np.take_along_axis(allowed, words[:, None], axis=1)[:, 0].astype(np.float64)
        rows = np.flatnonzero(np.isfinite(gained))
        return rows, words[rows], gained[rows]

    return generate(step, state, choose, limits)


def filtered_probabilities(logprobs: np.ndarray, *, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Return the distribution of the next word after temperature, ``top_k`` and ``top_p``, in that order.

    Args:
        logprobs: ``(N, V)``, minus infinity for masked words.
        temperature: see ``sample``.
        top_k: see ``sample``.
        top_p: see ``sample``.

    Returns:
        ``(N, V)`` float64, at least 0, not normalised; all 0 in a row without a possible word.
    """
    scaled = logprobs.astype(np.float64) / temperature
    peak = scaled.max(axis=1, keepdims=True)
    weights: np.ndarray = np.exp(scaled - np.where(np.isfinite(peak), peak, 0.0))
    if not top_k and top_p == 1.0:
        return weights
    order = np.argsort(-weights, axis=1, kind="stable")
    falling = np.take_along_axis(weights, order, axis=1)
    if top_k:
        falling[:, top_k:] = 0.0
    if top_p < 1.0:
        before = np.cumsum(falling, axis=1) - falling
        falling[before >= top_p * falling.sum(axis=1, keepdims=True)] = 0.0
    kept = np.empty_like(falling)
    np.put_along_axis(kept, order, falling, axis=1)
    return kept


def draw(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draw one word per row by inverting the cumulative distribution.

    Args:
        weights: ``(N, V)`` at least 0.
        uniform: ``(N,)`` in ``[0, 1)``.

    Returns:
        ``(N,)`` int64; a word of weight 0 only where all weights are 0.
    """
    cumulative = np.cumsum(weights, axis=1)
    total = cumulative[:, -1]
    threshold = np.minimum(uniform * total, np.nextafter(total, 0.0))  # rounding must not reach the total
    drawn: np.ndarray = (cumulative > threshold[:, None]).argmax(axis=1)
    return drawn
