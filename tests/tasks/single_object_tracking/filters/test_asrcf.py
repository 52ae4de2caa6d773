"""ADMM, against the normal equations of the same problem."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.single_object_tracking.filters.asrcf import Admm, reference_weights, solve, support_of
from seetell.tasks.single_object_tracking.filters.correlation import gaussian_labels, restore, transform

SHAPE = (2, 6, 7)
WANTED = gaussian_labels(6, 7, 1.0)
FOR_LONG = {"iterations": 400, "penalty": 5.0, "growth": 1.0}


def shifts(window: np.ndarray) -> np.ndarray:
    _, rows, columns = window.shape
    return np.stack([np.roll(window, (-y, -x), (1, 2)).ravel() for y in range(rows) for x in range(columns)])


def solved(window: np.ndarray, support: np.ndarray, reference: np.ndarray, admm: Admm) -> tuple[np.ndarray, np.ndarray]:
    transformed, weights = solve(transform(window), transform(WANTED), support, reference, reference, admm)
    return restore(transformed, SHAPE[1:]), weights


@pytest.mark.parametrize("pool", [1, 2])
def test_with_constant_weights_it_is_weighted_ridge_regression_on_the_object(pool: int):
    window = np.random.default_rng(0).normal(size=SHAPE)
    support = support_of(6, 7, (4, 4.5))
    weights = reference_weights(6, 7, (4, 4.5))
    found, kept = solved(window, support, weights, Admm(sparsity=0.7, reference=1e9, pool=pool, **FOR_LONG))
    np.testing.assert_allclose(kept, weights, rtol=1e-6)
    assert np.abs(found[:, ~support]).max() < 1e-6
    blocks = np.arange(6)[:, None] // pool * 10 + np.arange(7)[None, :] // pool
    columns = [(support & (blocks == block)).ravel() for block in np.unique(blocks[support])]
    basis = np.kron(np.eye(2), np.stack(columns).T)  # filters that are constant in each block
    equations = shifts(window) @ basis
    punished = basis.T @ np.diag(0.7 * np.tile(weights.ravel() ** 2, 2)) @ basis
    best = np.linalg.solve(equations.T @ equations + punished, equations.T @ WANTED.ravel())
    np.testing.assert_allclose(found.ravel(), basis @ best, atol=2e-4)


def test_weights_that_adapt_make_the_objective_smaller():
    window = np.random.default_rng(0).normal(size=SHAPE)
    support, reference = support_of(6, 7, (4, 4.5)), reference_weights(6, 7, (4, 4.5))

    def objective(found: np.ndarray, weights: np.ndarray) -> float:
        error = WANTED.ravel() - shifts(window) @ found.ravel()
        return float((error**2).sum() + ((weights * found) ** 2).sum() + 0.05 * ((weights - reference) ** 2).sum()) / 2

    fixed = objective(*solved(window, support, reference, Admm(reference=1e9, **FOR_LONG)))
    adapted = objective(*solved(window, support, reference, Admm(reference=0.05, **FOR_LONG)))
    assert adapted < 0.98 * fixed
