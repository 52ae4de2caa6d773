"""The logistic function, for what runs without torch."""

from __future__ import annotations

import numpy as np


def sigmoid(logits: np.ndarray | float) -> np.ndarray:
    """Return the probabilities of logits of any shape, 1 / (1 + e⁻ˣ), in their precision; none is too large for it."""
    small = np.exp(-np.abs(logits))  # of at most 1, so that nothing overflows
    result: np.ndarray = np.where(np.asarray(logits) < 0, small, 1) / (1 + small)
    return result
