"""Gradient reversal: features from which a discriminator cannot tell the domain.

Ganin & Lempitsky, "Unsupervised Domain Adaptation by Backpropagation", ICML 2015. The discriminator learns to tell
source from target; the layer between it and the features is the identity forwards and multiplies the gradient by −λ
backwards (section 3.1), so that the features learn the opposite.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.nn.standardisation import Standardise


class _ReverseGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return features.view_as(features)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None


def reverse_gradient(features: Tensor, strength: float) -> Tensor:
    """Return the same features; their gradient is multiplied by ``-strength`` (equations 9 and 10)."""
    reversed_features: Tensor = _ReverseGradient.apply(features, strength)
    return reversed_features


def reversal_strength(progress: float, *, steepness: float = 10.0) -> float:
    """Return λ, which rises from 0 to nearly 1: 2 / (1 + exp(−γ·p)) − 1 (equation 14).

    While the discriminator is still bad, its gradient is noise.

    Args:
        progress: ``p``, the share of the steps that are done, from 0 to 1.
        steepness: γ.
    """
    return 2 / (1 + math.exp(-steepness * progress)) - 1


class DomainDiscriminator(nn.Module):
    """Standardised features, one hidden layer, and the logit of the target domain.

    Args:
        features: ``D``, length of a feature vector.
        hidden: units of the hidden layer.
    """

    def __init__(self, features: int, hidden: int = 256) -> None:
        super().__init__()
        self.norm = Standardise(features)
        self.layers = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, features: Tensor) -> Tensor:
        """``(B, D)`` → logits ``(B,)``."""
        logits: Tensor = self.layers(self.norm(features))[:, 0]
        return logits


def domain_loss(source: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy of a discriminator in nats, each domain counting half.

    Args:
        source: logits of source features, ``(B,)``.
        target: logits of target features, ``(B',)``.
    """
    return (F.softplus(source).mean() + F.softplus(-target).mean()) / 2
