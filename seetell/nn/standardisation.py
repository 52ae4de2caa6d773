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


class Whitening(nn.Module):
    """Principal components divided by λ^¼, measured on training images and then fixed.

    λ is a component's variance. Dividing by λ^½ would raise the noise of the last components to the size of the first;
    λ^¼ is half-way. The map is affine, so that the whitened mean of a grid is the mean of the whitened grid.

    Args:
        features: ``D``, length of an encoder's vectors.
        components: number of components kept, at most ``D``.
    """

    mean: Tensor
    projection: Tensor

    def __init__(self, features: int, components: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("projection", torch.eye(features, components))

    def fit(self, vectors: Tensor) -> None:
        """Measure ``(N, D)``, so that their whitened vectors have a mean square of 1."""
        mean = vectors.mean(dim=0)
        covariance = torch.cov(vectors.T.double(), correction=0)
        variances, axes = (part.flip(-1) for part in torch.linalg.eigh(covariance))
        kept = self.projection.shape[1]
        scales = variances[:kept].clamp(min=1e-6 * float(variances[0]) + 1e-12) ** -0.25
        projection = (axes[:, :kept] * scales).float()
        size = ((vectors - mean) @ projection).square().mean().sqrt()
        self.mean.copy_(mean)
        self.projection.copy_(projection / size.clamp(min=1e-6))

    def forward(self, vectors: Tensor) -> Tensor:
        """Map ``(…, D)`` to ``(…, components)``."""
        return (vectors - self.mean) @ self.projection
