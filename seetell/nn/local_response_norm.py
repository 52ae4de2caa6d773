"""Local response normalisation, between neighbouring channels.

Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012, section 3.3:
``b_i = a_i / (k + α Σ_j a_j²)^β``, the sum running over ``n`` channels around the ``i``-th at the same place.
"""

from __future__ import annotations

from torch import nn

NEIGHBOURS, OFFSET, ALPHA, BETA = 5, 2.0, 1e-4, 0.75
"""``n``, ``k``, ``α`` and ``β`` of the paper."""


def local_response_norm(
    *, neighbours: int = NEIGHBOURS, offset: float = OFFSET, alpha: float = ALPHA, beta: float = BETA
) -> nn.LocalResponseNorm:
    """Return the layer of the paper's equation; torch's own divides the sum by the number of neighbours first."""
    return nn.LocalResponseNorm(neighbours, alpha=alpha * neighbours, beta=beta, k=offset)
