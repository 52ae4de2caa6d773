from __future__ import annotations

import numpy as np
import pytest

from seetell.geometry.assignment import assign


def test_a_hand_worked_problem():
    costs = np.array([[4.0, 1.0, 3.0], [2.0, 0.0, 5.0], [3.0, 2.0, 2.0]])
    rows, columns = assign(costs)
    assert rows.tolist() == [0, 1, 2]
    assert columns.tolist() == [1, 0, 2]  # 1 + 2 + 2; taking the smallest first would cost 6


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (4, 9), (9, 4), (30, 25)])
def test_costs_are_those_of_scipy(shape: tuple[int, int]):
    reference = pytest.importorskip("scipy.optimize").linear_sum_assignment
    for seed in range(20):
        rng = np.random.default_rng(seed)
        costs = rng.normal(size=shape) if seed % 2 else rng.integers(0, 4, shape).astype(float)  # with ties
        rows, columns = assign(costs)
        assert len({*rows.tolist()}) == len({*columns.tolist()}) == min(shape)
        assert (np.diff(rows) > 0).all()
        assert costs[rows, columns].sum() == pytest.approx(costs[reference(costs)].sum(), abs=1e-9)


def test_pairs_that_are_not_allowed_are_not_made():
    never = np.inf
    rows, columns = assign(np.array([[1.0, never], [0.0, 9.0], [never, never]]))
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [0, 1])  # two pairs, although one of them costs 0 alone
    rows, columns = assign(np.array([[never, 3.0], [never, 2.0]]))
    assert (rows.tolist(), columns.tolist()) == ([1], [1])
    for nothing in (np.full((2, 3), never), np.empty((0, 3)), np.empty((3, 0))):
        assert [len(part) for part in assign(nothing)] == [0, 0]


@pytest.mark.parametrize("wrong", [np.nan, -np.inf])
def test_costs_that_are_none_are_refused(wrong: float):
    with pytest.raises(ValueError, match="expected costs that are numbers"):
        assign(np.array([[0.0, wrong]]))
