"""Residual adapters: few weights, trained in a network that stays as it is.

Rebuffi, Bilen & Vedaldi, "Learning Multiple Visual Domains with Residual Adapters", NIPS 2017, and, for the bottleneck
and the beginning near the identity, Houlsby et al., "Parameter-Efficient Transfer Learning for NLP", ICML 2019, section
2.1. Departure: one adapter stands behind the whole encoder rather than one in each block, so that features of the
frozen encoder, computed once, are all that training reads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.nn.standardisation import Standardise


class ResidualAdapter(nn.Module):
    """x + σ·W₂·relu(W₁·(x − μ)/σ), with W₂ = 0 at first.

    μ and σ are those of the features (:class:`~seetell.nn.standardisation.Standardise`): a change of 1 is one of a
    deviation, whatever the encoder's scale.

    Args:
        features: ``D``, length of a feature vector.
        width: hidden units; ``2·D·width + D + width`` weights are trained.
    """

    def __init__(self, features: int, width: int) -> None:
        super().__init__()
        self.norm = Standardise(features)
        self.down, self.up = nn.Linear(features, width), nn.Linear(width, features)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, vectors: Tensor) -> Tensor:
        """Refine ``(…, D)``."""
        refined: Tensor = vectors + self.norm.deviation * self.up(torch.relu(self.down(self.norm(vectors))))
        return refined
