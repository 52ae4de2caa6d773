"""Features brought to one scale: the differences between images are small beside what all images share."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardise(nn.Module):
    """Each feature minus its mean, over its standard deviation, both measured on training images and then fixed.

    Args:
        features: ``D``, their number.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("deviation", torch.ones(features))

    def fit(self, vectors: Tensor) -> None:
        """Measure ``(…, D)``; a feature that hardly varies is divided by a hundredth of the mean deviation."""
        deviation, mean = torch.std_mean(vectors.flatten(0, -2), dim=0, correction=0)
        self.mean.copy_(mean)
        self.deviation.copy_(deviation.clamp(min=0.01 * deviation.mean().item() + 1e-6))

    def forward(self, vectors: Tensor) -> Tensor:
        """Standardise ``(…, D)``."""
        return (vectors - self.mean) / self.deviation
