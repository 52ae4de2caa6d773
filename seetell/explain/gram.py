"""Gram matrices: which features of a layer occur together, wherever they are; the statistics that textures share.

Gatys, Ecker & Bethge, "Texture Synthesis Using Convolutional Neural Networks", NIPS 2015.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def gram(activation: Tensor) -> Tensor:
    """Return ``G = F Fᵀ`` of each image, ``(B, N, N)``, for an activation ``(B, N, h, w)`` (equation 1)."""
    features = activation.flatten(2)
    return features @ features.transpose(1, 2)


def layer_error(activation: Tensor, target: Tensor) -> Tensor:
    """Return ``E = Σ (G − Ĝ)² / (4 N² M²)`` of each image, ``(B,)`` (equation 2).

    Args:
        activation: ``(B, N, h, w)``; ``M = h · w``.
        target: ``Ĝ``, ``(B, N, N)`` or ``(N, N)``, for an activation of as many places.
    """
    _, channels, height, width = activation.shape
    return (gram(activation) - target).square().sum(dim=(1, 2)) / (4 * channels**2 * (height * width) ** 2)


def targets(activations: Sequence[Mapping[str, Tensor]], weights: Sequence[float]) -> dict[str, Tensor]:
    """Return the mean Gram matrices per place of several pictures, by layer.

    Args:
        activations: of each picture, by layer, ``(1, N, h, w)``.
        weights: of each picture, that sum to 1.
    """
    return {
        layer: sum(
            (
                weight * gram(each[layer].detach())[0] / (each[layer].shape[2] * each[layer].shape[3])
                for each, weight in zip(activations, weights, strict=True)
            ),
            start=torch.zeros(()),
        )
        for layer in activations[0]
    }


def texture_error(activations: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Tensor:
    """Return the mean over layers of :func:`layer_error`, each relative to that of an image without features, ``(B,)``.

    Layers then count alike whatever the size of their activations, in any network: a departure from the paper, whose
    weights are for one network.

    Args:
        activations: by layer, ``(B, N, h, w)``.
        wanted: Gram matrices per place, by layer, of all images or of each; see :func:`targets`.
    """
    errors = []
    for layer, target in wanted.items():
        activation = activations[layer]
        places, channels = activation.shape[2] * activation.shape[3], activation.shape[1]
        nothing = target.square().sum(dim=(-2, -1)) / (4 * channels**2)  # Σ (0 − M Ĝ)² / (4 N² M²)
        errors.append(layer_error(activation, target * places) / nothing.clamp(min=1e-12))
    return torch.stack(errors).mean(dim=0)
