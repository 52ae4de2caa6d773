"""Gradient × input: what each pixel contributes to the score, to the first order.

Shrikumar, Greenside, Shcherbina & Kundaje, "Not Just a Black Box: Learning Important Features Through Propagating
Activation Differences", 2016, equation 1.
"""

from __future__ import annotations

import numpy as np

from seetell.explain.network import ScoredNetwork, as_map, gradients


def gradient_x_input(network: ScoredNetwork, target: int) -> np.ndarray:
    """Return ``Σ_c x_c · ∂score / ∂x_c``, ``(H, W)``; inputs are normalised, so that 0 is about the mean grey."""
    gradient = gradients(network.scores, network.image, target)
    return as_map((gradient * network.image).sum(dim=1))
