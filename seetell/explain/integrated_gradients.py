"""Integrated gradients: the score's difference from an image that shows nothing, shared out among the pixels.

Sundararajan, Taly & Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, equation 1: gradients along the straight
line from the baseline to the image. The integral is a Gauss–Legendre quadrature, as Captum's is.
"""

from __future__ import annotations

import numpy as np
import torch

from seetell.explain.network import ScoredNetwork, as_map, gradients

STEPS = 32
"""Points at which gradients are taken."""

BATCH = 8


def integrated_gradients(network: ScoredNetwork, target: int, *, steps: int = STEPS) -> np.ndarray:
    """Return each pixel's share of the difference of the scores of image and baseline, ``(H, W)``.

    Args:
        network: see :class:`~seetell.explain.network.ScoredNetwork`.
        target: its column among the scores.
        steps: points at which gradients are taken; with more, the shares sum more exactly to the difference.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    positions = torch.tensor((points + 1) / 2, dtype=network.image.dtype)[:, None, None, None]
    shares = torch.tensor(weights / 2, dtype=network.image.dtype)[:, None, None, None]
    difference = network.image - network.baseline
    total = torch.zeros_like(network.image)
    for start in range(0, steps, BATCH):
        images = network.baseline + positions[start : start + BATCH] * difference
        weighted = gradients(network.scores, images, target) * shares[start : start + BATCH]
        total += weighted.sum(dim=0, keepdim=True)
    return as_map((total * difference).sum(dim=1))
