"""Importance of channels, against the gradient by differences."""

from __future__ import annotations

import numpy as np

from seetell.tasks.single_object_tracking.siamese.target_aware import (
    REGULARISATION,
    channel_importance,
    chosen_channels,
)


def test_the_importance_is_the_mean_gradient_of_the_regression():
    features = np.random.default_rng(0).normal(size=(3, 7, 7))
    offsets = np.arange(5) - 2
    wanted = np.exp(-(offsets[:, None] ** 2 / (2 * 1.5**2) + offsets[None] ** 2 / 2))

    def rows(given: np.ndarray) -> np.ndarray:
        return np.stack([given[:, y : y + 3, x : x + 3].ravel() for y in range(5) for x in range(5)])

    equations = rows(features)
    regularisation = REGULARISATION * (equations**2).sum() / 25
    normal = equations.T @ equations + regularisation * np.eye(27)
    weights = np.linalg.solve(normal, equations.T @ wanted.ravel())

    def loss(given: np.ndarray) -> float:
        return float(((wanted.ravel() - rows(given) @ weights) ** 2).sum())

    gradients = np.zeros_like(features)
    for place in np.ndindex(features.shape):
        step = np.zeros_like(features)
        step[place] = 1e-5
        gradients[place] = (loss(features + step) - loss(features - step)) / 2e-5
    np.testing.assert_allclose(channel_importance(features, 3, (1.0, 1.5)), gradients.mean(axis=(1, 2)), atol=1e-7)


def test_the_most_important_channels_are_chosen():
    assert chosen_channels(np.array([0.1, -3.0, 2.0, 0.0]), 0.5).tolist() == [False, True, True, False]
    assert chosen_channels(np.array([0.1, -3.0]), 0.01).sum() == 1
