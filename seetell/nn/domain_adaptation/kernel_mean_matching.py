"""Kernel mean matching: weights of source photos under which their mean in feature space is that of the target.

Huang et al., "Correcting Sample Selection Bias by Unlabeled Data", NIPS 2006, equation 5: minimise ½·βᵀKβ − κᵀβ over
0 ≤ β ≤ B. Departures: the weights have exactly the mean 1, not up to ε; and the programme is solved by projected
gradients with Nesterov's acceleration instead of a general solver.
"""

from __future__ import annotations

import torch
from torch import Tensor

from seetell.nn.domain_adaptation.mmd import FACTORS, gaussian_kernel, median_squared_distance

ITERATIONS = 200
FEW = 1000
"""Photos whose distances decide the bandwidths."""


def kernel_mean_matching(source: Tensor, target: Tensor, *, bound: float = 10.0) -> Tensor:
    """Weigh source vectors.

    Args:
        source: ``(N, D)``; a matrix ``(N, N)`` is held.
        target: ``(M, D)``.
        bound: ``B``, the largest weight.

    Returns:
        ``(N,)`` float32, from 0 to ``bound``, with the mean 1.
    """
    count = len(source)
    median = median_squared_distance(torch.cat([source[:FEW], target[:FEW]]))
    bandwidths = torch.tensor(FACTORS, device=source.device) * median
    kernel = gaussian_kernel(source, source, bandwidths)  # (N, N)
    wanted = gaussian_kernel(source, target, bandwidths).mean(dim=1) * count  # κ, (N,)
    rate = 1 / kernel.sum(dim=1).max()  # above the largest eigenvalue
    weights = ahead = torch.ones(count, device=source.device)
    for step in range(ITERATIONS):
        following = with_mean_one(ahead - rate * (kernel @ ahead - wanted), bound)
        ahead = following + step / (step + 3) * (following - weights)
        weights = following
    return weights


def with_mean_one(weights: Tensor, bound: float) -> Tensor:
    """Return the nearest vector ``(N,)`` with elements from 0 to ``bound``, which is above 1, and the mean 1.

    It is the given one, shifted and clipped; the shift is found by bisection.
    """
    low, high = -weights.max(), bound - weights.min()
    for _ in range(60):
        shift = (low + high) / 2
        small = (weights + shift).clamp(0, bound).mean() < 1
        low, high = torch.where(small, shift, low), torch.where(small, high, shift)
    return (weights + high).clamp(0, bound)
