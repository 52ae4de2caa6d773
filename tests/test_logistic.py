from __future__ import annotations

import numpy as np
import pytest

from seetell.logistic import fit_logistic, sigmoid


def test_it_is_one_half_at_zero_and_symmetric():
    logits = np.array([[0.0, 1.0], [-1.0, 30.0]])
    assert sigmoid(logits) == pytest.approx(np.array([[0.5, 0.7310586], [0.2689414, 1.0]]))
    assert sigmoid(logits) + sigmoid(-logits) == pytest.approx(np.ones((2, 2)))


def test_the_largest_logits_neither_overflow_nor_lose_their_order():
    with np.errstate(all="raise", under="ignore"):
        assert sigmoid(np.array([-1000.0, -np.inf, 1000.0, np.inf])).tolist() == [0, 0, 1, 1]
        assert sigmoid(np.array([-700.0]))[0] == pytest.approx(np.exp(-700.0))


def test_precision_is_kept():
    assert sigmoid(np.zeros(3, np.float32)).dtype == np.float32
    assert float(sigmoid(0.0)) == 0.5


def test_a_regression_finds_the_coefficients_that_drew_the_truth():
    random = np.random.default_rng(0)
    inputs = np.column_stack([random.normal(size=(20000, 2)), np.ones(20000)])
    true = random.random(20000) < sigmoid(inputs @ [1.5, -0.5, 0.25])
    found = fit_logistic(inputs, true, np.ones(20000), np.zeros(3))
    assert found == pytest.approx(np.array([1.5, -0.5, 0.25]), abs=0.08)
    assert inputs.T @ (sigmoid(inputs @ found) - true) == pytest.approx(np.zeros(3), abs=1e-6)


def test_weights_count_as_repetitions_and_offsets_are_added():
    inputs, true = np.array([[0.0], [1.0], [2.0], [2.0]]), np.array([1, 0, 1, 0])
    weights, offset, decay = np.array([1, 2, 1, 3]), np.array([0.5, -1.0, 0.0, 0.0]), np.array([0.1])
    rows = np.repeat(np.arange(4), weights)
    repeated = fit_logistic(inputs[rows], true[rows], np.ones(7), decay, offset=offset[rows])
    assert fit_logistic(inputs, true, weights, decay, offset=offset) == pytest.approx(repeated)
    slope = inputs.T @ (weights * (sigmoid(offset + inputs @ repeated) - true)) + decay * repeated
    assert slope == pytest.approx(np.zeros(1), abs=1e-9)


def test_decay_keeps_what_is_separable_finite():
    found = fit_logistic(np.array([[-1.0], [1.0]]), np.array([False, True]), np.ones(2), np.array([0.01]))
    assert 3 < found[0] < 10
