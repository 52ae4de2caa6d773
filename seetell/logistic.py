"""The logistic function and regressions, for what runs without torch."""

from __future__ import annotations

import numpy as np

NEWTON_STEPS = 50
"""Far more than a regression needs to converge."""


def sigmoid(logits: np.ndarray | float) -> np.ndarray:
    """Return the probabilities of logits of any shape, 1 / (1 + e⁻ˣ), in their precision; none is too large for it."""
    small = np.exp(-np.abs(logits))  # of at most 1, so that nothing overflows
    result: np.ndarray = np.where(np.asarray(logits) < 0, small, 1) / (1 + small)
    return result


def fit_logistic(
    inputs: np.ndarray, true: np.ndarray, weights: np.ndarray, decay: np.ndarray, *, offset: np.ndarray | float = 0.0
) -> np.ndarray:
    """Fit a logistic regression by Newton's method.

    Args:
        inputs: ``(N, D)``; for a constant, one of them is 1.
        true: ``(N,)``, 0 or 1.
        weights: ``(N,)``, how much each counts.
        decay: ``(D,)``; half of it, times the square of each coefficient, is added to what is minimised.
        offset: ``(N,)``, added to the logits.

    Returns:
        ``(D,)`` coefficients.
    """
    found = np.zeros(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        likely = sigmoid(offset + inputs @ found)
        slope = inputs.T @ (weights * (likely - true)) + decay * found
        curvature = (inputs * (weights * likely * (1 - likely))[:, None]).T @ inputs + np.diag(decay)
        found -= np.linalg.solve(curvature, slope)
    return found
