"""The search for a text against all alignments of all texts."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest

from seetell.language.ctc_search import Lexicon, best_path, prefix_beam_search


def frames(seed: int, count: int = 5, classes: int = 4, sharpness: float = 1.0) -> np.ndarray:
    logits = sharpness * np.random.default_rng(seed).normal(size=(count, classes))
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def by_brute_force(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Return the log-probability of every text."""
    totals: dict[tuple[int, ...], float] = defaultdict(lambda: -np.inf)
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        text = tuple(label for label, _ in itertools.groupby(path) if label)
        totals[text] = np.logaddexp(totals[text], log_probs[np.arange(len(path)), path].sum())
    return totals


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_exact_probabilities(seed):
    log_probs = frames(seed)
    exact = by_brute_force(log_probs)
    found = prefix_beam_search(log_probs, beam_size=10_000, floor=-np.inf)
    assert {text for text, _ in found} == {text for text, value in exact.items() if np.isfinite(value)}
    assert [text for text, _ in found] == sorted(exact, key=lambda text: -exact[text])
    for text, value in found:
        assert value == pytest.approx(exact[text])


@pytest.mark.parametrize("seed", range(5))
def test_a_narrow_beam_finds_a_text_that_is_as_likely_as_it_says_at_most(seed):
    log_probs = frames(seed, sharpness=3)
    exact = by_brute_force(log_probs)
    ((text, value),) = prefix_beam_search(log_probs, beam_size=1)
    assert value <= exact[text] + 1e-9


def test_the_best_text_need_not_be_the_best_path():
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])  # Graves 2012, figure 7.4: "" has 0.36, "A" 0.64
    assert best_path(log_probs[None])[0] == ((), pytest.approx(np.log(0.36)))
    assert prefix_beam_search(log_probs)[0] == ((1,), pytest.approx(np.log(0.64)))


def test_the_best_path_joins_equal_neighbours_and_drops_blanks():
    path = [1, 1, 0, 1, 2, 2, 0, 0, 3]
    log_probs = np.log(np.full((1, len(path), 4), 0.1))
    log_probs[0, np.arange(len(path)), path] = np.log(0.7)
    assert best_path(log_probs)[0][0] == (1, 1, 2, 3)


@pytest.mark.parametrize("seed", range(5))
def test_with_a_lexicon_the_most_likely_of_its_texts_is_found(seed):
    log_probs = frames(seed)
    texts = [(1, 2), (1, 2, 3), (3,), (2, 2), (1, 1, 1, 1)]  # the last does not fit into five frames
    exact = by_brute_force(log_probs)
    found = prefix_beam_search(log_probs, lexicon=Lexicon(texts), beam_size=100, floor=-np.inf)
    assert [text for text, _ in found] == sorted(texts[:-1], key=lambda text: -exact[text])
    assert found[0][1] == pytest.approx(max(exact[text] for text in texts))


def test_a_lexicon_without_a_text_that_fits():
    assert prefix_beam_search(frames(0, count=2), lexicon=Lexicon([(1, 1)])) == []
