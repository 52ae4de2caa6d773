"""Sentences drawn at random from what the model holds probable, one a photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.language.hypotheses import Hypothesis, State, Step, Unfinished, permitted


def sample(
    step: Step,
    state: State,
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    streams: Sequence[int],
    length_penalty: float,
    max_words: int,
    block_ngrams: int,
    start: int,
    end: int,
    forbidden: Sequence[int],
) -> list[list[Hypothesis]]:
    """Draw a sentence for each photo, word by word.

    Each photo has its own stream of random numbers, so that its sentence depends neither on the photos beside it nor
    on how they are batched. Log-probabilities are the model's own, not those of the sharpened distribution.

    Args:
        step: one word further, see ``hypotheses.Step``.
        state: the decoder's state before the first word, one row a photo.
        temperature: log-probabilities are divided by it; below 1 sharpens, above 1 flattens.
        top_k: draw among this many most probable words; 0 among all.
        top_p: draw among the fewest words that together have this probability (nucleus sampling, Holtzman et al. 2020).
        seed: start of the random numbers.
        streams: per photo the number of its stream.
        length_penalty: exponent of the score's length normalisation.
        max_words: longest sentence, END not counted.
        block_ngrams: size of the n-grams that may stand only once in a sentence; 0 for no such limit.
        start: number fed before the first word.
        end: number that ends a sentence.
        forbidden: numbers never said.

    Returns:
        Per photo a list with its one sentence.
    """
    images = len(state[0])
    uniform = np.empty((images, max_words))
    for image, stream in enumerate(streams):
        uniform[image] = np.random.default_rng((seed, stream)).random(max_words)
    finished: list[list[Hypothesis]] = [[] for _ in range(images)]
    live, last = Unfinished.begin(images), np.full(images, start, np.int64)
    while len(live):
        logprobs, state = step(last, state)
        if live.words == max_words:
            for row, image in enumerate(live.image):
                finished[image].append(live.finish(row, float(logprobs[row, end]), length_penalty))
            break
        allowed = permitted(logprobs, live, forbidden=forbidden, block_ngrams=block_ngrams)
        weights = kept_weights(allowed, temperature=temperature, top_k=top_k, top_p=top_p)
        last = _draw(weights, uniform[live.image, live.words])
        gained = np.take_along_axis(allowed, last[:, None], axis=1)[:, 0].astype(np.float64)
        stuck = ~np.isfinite(gained)  # nothing may follow, not even END
        for ended in np.flatnonzero(stuck | (last == end)):
            finished[live.image[ended]].append(live.finish(int(ended), float(gained[ended]), length_penalty))
        rows = np.flatnonzero(~stuck & (last != end))
        last = last[rows]
        live = live.grow(rows, last, gained[rows])
        state = tuple(part[rows] for part in state)
    return finished


def kept_weights(logprobs: np.ndarray, *, temperature: float, top_k: int, top_p: float) -> np.ndarray:
    """Return what the next word is drawn by: temperature first, then ``top_k``, then ``top_p`` of what that kept.

    Args:
        logprobs: ``(N, V)``, minus infinity for words that must not come.
        temperature: see ``sample``.
        top_k: see ``sample``.
        top_p: see ``sample``.

    Returns:
        ``(N, V)`` float64 weights, at least 0, not normalised; all 0 in a row without a possible word.
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


def _draw(weights: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """Draw one word a row by inverting the cumulative distribution.

    Args:
        weights: ``(N, V)`` at least 0.
        uniform: ``(N,)`` in ``[0, 1)``.

    Returns:
        ``(N,)`` int64; a word of weight 0 only where all weigh 0.
    """
    cumulative = np.cumsum(weights, axis=1)
    total = cumulative[:, -1]
    threshold = np.minimum(uniform * total, np.nextafter(total, 0.0))  # rounding must not reach the total
    drawn: np.ndarray = (cumulative > threshold[:, None]).argmax(axis=1)
    return drawn
