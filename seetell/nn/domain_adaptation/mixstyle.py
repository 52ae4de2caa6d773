"""MixStyle: photos that look as if they came from domains between those seen.

Zhou et al., "Domain Generalization with MixStyle", ICLR 2021. The mean and the deviation of a channel over a photo, in
an early layer, carry its style; they are replaced by a mixture with those of another photo, while what is left is the
photo's own (equations 3 to 6).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPSILON = 1e-6


def mix_styles(activation: Tensor, order: Tensor, shares: Tensor) -> Tensor:
    """Mix the channels' means and deviations of photos with those of others.

    Args:
        activation: ``(B, C, H, W)``.
        order: whose style is mixed in, ``(B,)`` positions in the batch.
        shares: of a photo's own style, ``(B,)`` from 0 to 1; 1 changes nothing.

    Returns:
        ``(B, C, H, W)``. As in the paper, no gradient passes through the statistics.
    """
    with torch.no_grad():
        variance, mean = torch.var_mean(activation, dim=(2, 3), correction=0, keepdim=True)  # (B, C, 1, 1)
        deviation = (variance + EPSILON).sqrt()
        own = shares.to(activation.dtype)[:, None, None, None]
        mixed_deviation = own * deviation + (1 - own) * deviation[order]
        mixed_mean = own * mean + (1 - own) * mean[order]
    return (activation - mean) / deviation * mixed_deviation + mixed_mean


class MixStyle(nn.Module):
    """Mixes the styles of a batch while training, and leaves activations alone otherwise.

    Args:
        probability: of mixing a batch at all.
        alpha: of the distribution Beta(α, α) of a photo's own share; the smaller, the more one style prevails.
    """

    def __init__(self, *, probability: float = 0.5, alpha: float = 0.1) -> None:
        super().__init__()
        self.probability, self.alpha = probability, alpha

    def forward(self, activation: Tensor) -> Tensor:
        """``(B, C, H, W)`` → the same; draws from torch's generator."""
        if not self.training or torch.rand(()).item() >= self.probability:
            return activation
        photos = len(activation)
        concentration = torch.full((photos,), self.alpha)
        shares = torch.distributions.Beta(concentration, concentration).sample().to(activation.device)
        return mix_styles(activation, torch.randperm(photos).to(activation.device), shares)
