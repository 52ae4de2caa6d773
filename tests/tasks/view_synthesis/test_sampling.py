from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.view_synthesis.sampling import by_weight, intervals, refined, stratified


def test_one_sample_in_each_part():
    near, far = np.array([2.0, 0.0], np.float32), np.array([6.0, 1.0], np.float32)
    middles = stratified(near, far, np.full((2, 4), 0.5, np.float32))
    np.testing.assert_allclose(middles, [[2.5, 3.5, 4.5, 5.5], [0.125, 0.375, 0.625, 0.875]])
    drawn = stratified(near, far, np.random.default_rng(0).random((2, 4), dtype=np.float32))
    assert ((drawn[0] >= [2, 3, 4, 5]) & (drawn[0] < [3, 4, 5, 6])).all()


def test_shares_of_the_distribution_function():
    edges = np.array([[0.0, 1.0, 2.0, 4.0]], np.float32)
    weights = np.array([[1.0, 0.0, 3.0]], np.float32)
    drawn = by_weight(edges, weights, np.array([[0.125, 0.25, 0.625, 0.999999]], np.float32))
    np.testing.assert_allclose(drawn, [[0.5, 1.0, 3.0, 4.0]], atol=2e-4)


def test_drawn_distances_follow_the_density():
    edges = np.tile(np.linspace(0, 1, 5, dtype=np.float32), (3, 1))
    weights = np.array([[1, 2, 3, 4], [0, 0, 1, 0], [0, 0, 0, 0]], np.float32)
    shares = np.sort(np.random.default_rng(0).random((3, 4000), dtype=np.float32), axis=1)
    drawn = by_weight(edges, weights, shares)
    found = np.stack([np.histogram(row, edges[0])[0] / 4000 for row in drawn])
    np.testing.assert_allclose(found, [[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 0], [0.25] * 4], atol=0.03)
    assert (np.diff(drawn, axis=1) >= 0).all()


def test_the_refined_contain_the_first_and_rise():
    first = np.array([[1.0, 2.0, 3.0, 4.0]], np.float32)
    weights = np.array([[9.0, 0.0, 1.0, 9.0]], np.float32)  # those of the ends have no interval of their own
    shares = np.array([[0.25, 0.5, 0.75]], np.float32)
    np.testing.assert_allclose(refined(first, weights, shares), [[1, 2, 2.75, 3, 3, 3.25, 4]], atol=1e-3)


def test_intervals_reach_to_the_end():
    assert intervals(np.array([[1.0, 1.5, 3.0]], np.float32), np.array([3.5])).tolist() == [
        [0.5, 1.5, pytest.approx(0.5)]
    ]
