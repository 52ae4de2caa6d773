"""Grad-CAM: which places of the last feature map speak for the score.

Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization", ICCV 2017,
equations 1 and 2: each channel of the map counts by the mean of the score's gradient over places.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from seetell.explain.network import ScoredNetwork, as_map


def grad_cam(network: ScoredNetwork, target: int) -> np.ndarray:
    """Return ``max(0, Σ_k α_k A_k)`` with ``α_k`` the mean of ``∂score / ∂A_k``, ``(H', W')``."""
    return as_map(layer_grad_cam(network.scores, network.layer, network.image, target).clamp(min=0))


def layer_grad_cam(scores: nn.Module, layer: nn.Module, image: Tensor, target: int) -> Tensor:
    """Return Grad-CAM before the rectifier, ``(1, 1, H', W')``.

    Args:
        scores: from images to scores ``(B, K)``.
        layer: a part of it whose output is ``(B, D, H', W')``.
        image: ``(1, 3, H, W)``.
        target: its column among the scores.
    """
    activations: list[Tensor] = []
    handle = layer.register_forward_hook(lambda module, inputs, output: activations.append(output))
    try:
        with torch.enable_grad():
            score = scores(image.detach().requires_grad_())[0, target]
    finally:
        handle.remove()
    (activation,) = activations
    (gradient,) = torch.autograd.grad(score, activation)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    return (weights * activation).sum(dim=1, keepdim=True).detach()
