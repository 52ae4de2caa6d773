from __future__ import annotations

import numpy as np
import pytest

from seetell.logistic import sigmoid


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
