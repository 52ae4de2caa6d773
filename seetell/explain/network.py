"""A network whose scores can be differentiated with respect to the image: what methods that need gradients take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from seetell.errors import UsageError


@dataclass(frozen=True)
class ScoredNetwork:
    """The differentiable form of :class:`~seetell.explain.explained.Explained`; a task's part ``network`` makes it.

    Attributes:
        scores: from images ``(B, 3, H, W)`` to the scores of ``K`` targets, ``(B, K)``; in evaluation mode.
        image: that is explained, prepared, ``(1, 3, H, W)``.
        baseline: one that shows nothing, ``(1, 3, H, W)``.
        layer: the part of ``scores`` whose output, ``(B, D, H', W')``, is the last that has places.
    """

    scores: nn.Module
    image: Tensor
    baseline: Tensor
    layer: nn.Module


def gradients(network: nn.Module, images: Tensor, target: int) -> Tensor:
    """Return the gradient of a target's score with respect to each image, ``(B, 3, H, W)``.

    Args:
        network: see :attr:`ScoredNetwork.scores`.
        images: ``(B, 3, H, W)``.
        target: its column among the scores.
    """
    images = images.detach().requires_grad_()
    with torch.enable_grad():
        score = network(images)[:, target].sum()
    return torch.autograd.grad(score, images)[0]


def as_map(values: Tensor) -> np.ndarray:
    """Return a map ``(H, W)`` as float64, from ``(1, 1, H, W)`` or ``(H, W)``."""
    return values.detach().reshape(values.shape[-2:]).double().cpu().numpy()


def last_map_layer(network: nn.Module, images: Tensor) -> nn.Module:
    """Return the last part of a network, in the order of computing, whose output is a feature map ``(B, D, h, w)``.

    A map of one place, as after pooling, does not count.

    Args:
        network: any.
        images: a batch that it can be called with.

    Raises:
        UsageError: it has no such part, as a network that cuts images into patches has none.
    """
    found: list[nn.Module] = []

    def keep(module: nn.Module, inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[2] * output.shape[3] > 1:
            found.append(module)

    handles = [module.register_forward_hook(keep) for module in network.modules()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    if not found:
        raise UsageError("the network has no feature maps, which Grad-CAM needs; use another method")
    return found[-1]
