from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.errors import UsageError
from seetell.language.phrases import Segment, segments, viterbi_decode


def total(unary: np.ndarray, chosen, beta: float) -> float:
    return float(
        sum(unary[j, a] for j, a in enumerate(chosen)) + beta * sum(a == b for a, b in itertools.pairwise(chosen))
    )


def best_total(unary: np.ndarray, beta: float) -> float:
    words, regions = unary.shape
    return max(total(unary, chosen, beta) for chosen in itertools.product(range(regions), repeat=words))


def test_by_hand():
    """The middle word prefers region 1 by 0.5; changing there and back costs two bonuses."""
    unary = np.array([[3.0, 0.0], [1.0, 1.5], [2.0, 0.0]])
    assert viterbi_decode(unary, beta=0.2).tolist() == [0, 1, 0]
    assert viterbi_decode(unary, beta=0.3).tolist() == [0, 0, 0]


@pytest.mark.slow
@given(
    words=st.integers(1, 5),
    regions=st.integers(1, 4),
    beta=st.sampled_from([0.0, 0.25, 1.0, 3.5]),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_choice_of_regions_is_better(words, regions, beta, seed):
    unary = np.random.default_rng(seed).integers(-4, 5, (words, regions)) / 2
    chosen = viterbi_decode(unary, beta=beta)
    assert chosen.shape == (words,)
    assert total(unary, chosen, beta) == best_total(unary, beta)


@given(seed=st.integers(0, 2**32 - 1), beta=st.sampled_from([0.0, 0.7]))
def test_a_batch_gives_what_each_sentence_gives_alone(seed, beta):
    random = np.random.default_rng(seed)
    unary = random.normal(size=(6, 7, 5))
    lengths = random.integers(1, 8, 6).tolist()
    chosen = viterbi_decode(unary, beta=beta, lengths=lengths)
    for row, length in enumerate(lengths):
        assert chosen[row, :length].tolist() == viterbi_decode(unary[row, :length], beta=beta).tolist()
        assert set(chosen[row, length:].tolist()) <= {int(chosen[row, length - 1])}


def test_padding_may_hold_anything_finite():
    unary = np.array([[[1.0, 0.0], [0.0, 1.0], [99.0, -99.0]]])
    assert viterbi_decode(unary, beta=0.0, lengths=[2]).tolist() == [[0, 1, 1]]


def test_beta_lengthens_runs():
    unary = np.random.default_rng(0).normal(size=(40, 12))
    counts = [len(segments(unary, viterbi_decode(unary, beta=beta))) for beta in (0.0, 0.5, 1.5, 100.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 30
    assert counts[-1] == 1


def test_no_beta_is_the_best_region_of_each_word():
    unary = np.random.default_rng(1).normal(size=(4, 9, 6))
    assert np.array_equal(viterbi_decode(unary, beta=0.0), unary.argmax(axis=2))


def test_where_all_is_equal_the_sentence_is_one_segment():
    assert viterbi_decode(np.zeros((3, 4)), beta=0.0).tolist() == [0, 0, 0]


def test_a_batch_of_no_sentences():
    assert viterbi_decode(np.zeros((0, 3, 2)), beta=1.0).shape == (0, 3)


def test_segments_by_hand():
    unary = np.array([[3.0, 0.0], [1.0, 1.5], [2.0, 0.0], [0.5, 0.0]])
    assert segments(unary, np.array([0, 1, 0, 0])) == [
        Segment(0, 1, 0, 3.0),
        Segment(1, 2, 1, 1.5),
        Segment(2, 4, 0, 2.5),
    ]


@given(seed=st.integers(0, 2**32 - 1))
def test_segments_cover_the_sentence_and_their_scores_sum_up(seed):
    random = np.random.default_rng(seed)
    unary = random.normal(size=(random.integers(1, 9), 3))
    chosen = viterbi_decode(unary, beta=0.5)
    parts = segments(unary, chosen)
    assert [region for part in parts for region in [part.region] * (part.stop - part.start)] == chosen.tolist()
    assert all(one.region != other.region for one, other in itertools.pairwise(parts))
    assert sum(part.score for part in parts) == pytest.approx(unary[np.arange(len(chosen)), chosen].sum())


@pytest.mark.parametrize(
    ("unary", "options", "message"),
    [
        (np.zeros(3), {}, "words × regions"),
        (np.zeros((2, 0)), {}, "at least one of each"),
        (np.zeros((2, 2)), {"beta": -1.0}, "beta: expected 0 or more, got -1"),
        (np.zeros((2, 2)), {"beta": float("nan")}, "beta"),
        (np.array([[np.nan]]), {}, "finite scores"),
        (np.zeros((2, 3, 2)), {"lengths": [3]}, "expected 2 numbers of words from 1 to 3"),
        (np.zeros((1, 3, 2)), {"lengths": [0]}, "expected 1 numbers"),
    ],
)
def test_wrong_use_is_named(unary, options, message):
    with pytest.raises(UsageError, match=message):
        viterbi_decode(unary, **{"beta": 0.0, **options})
