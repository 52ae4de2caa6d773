"""The closed forms of KCF, against ridge regression on all shifts of a window."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.single_object_tracking.filters.correlation import gaussian_labels, restore, transform
from seetell.tasks.single_object_tracking.filters.kcf import dual_weights, gaussian_correlation, linear_correlation

SHAPES = [(1, 5, 6), (3, 4, 5), (2, 6, 4)]


def shifts(window: np.ndarray) -> np.ndarray:
    """All cyclic shifts of a window of several channels, one a row."""
    _, rows, columns = window.shape
    return np.stack([np.roll(window, (-y, -x), (1, 2)).ravel() for y in range(rows) for x in range(columns)])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_linear_filter_is_ridge_regression(shape: tuple[int, int, int]):
    random = np.random.default_rng(0)
    window, other, wanted = random.normal(size=shape), random.normal(size=shape), gaussian_labels(*shape[1:], 1.0)
    x, z = transform(window), transform(other)
    dual = dual_weights(linear_correlation(x, x, shape), transform(wanted), 0.1)
    response = restore(linear_correlation(x, z, shape) * dual, shape[1:])
    equations, size = shifts(window), window.size
    weights = np.linalg.solve(equations.T @ equations / size + 0.1 * np.eye(size), equations.T @ wanted.ravel() / size)
    np.testing.assert_allclose(response.ravel(), shifts(other) @ weights, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_kernel_filter_is_kernel_ridge_regression(shape: tuple[int, int, int]):
    random = np.random.default_rng(0)
    window, other, wanted = random.normal(size=shape), random.normal(size=shape), gaussian_labels(*shape[1:], 1.0)
    x, z = transform(window), transform(other)
    dual = dual_weights(gaussian_correlation(x, x, shape, 0.8), transform(wanted), 0.1)
    response = restore(gaussian_correlation(x, z, shape, 0.8) * dual, shape[1:])

    def kernel(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.exp(-((one[:, None] - two[None]) ** 2).sum(axis=2) / (window.size * 0.8**2))

    weights = np.linalg.solve(
        kernel(shifts(window), shifts(window)) + 0.1 * np.eye(len(wanted.ravel())), wanted.ravel()
    )
    np.testing.assert_allclose(response.ravel(), kernel(shifts(other), shifts(window)) @ weights, atol=1e-6)
