"""Guided backpropagation: the gradient that only passes units which speak for the score and are themselves active.

Springenberg, Dosovitskiy, Brox & Riedmiller, "Striving for Simplicity: The All Convolutional Net", ICLR workshop 2015,
section 3.4: at each rectifier the backward signal is kept where both it and the activation are positive. ReLU6 and GELU
are treated as ReLU is. The map says what the image shows rather than why the score is as it is: it hardly changes when
the weights of the last layers are randomised (Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from seetell.explain.network import ScoredNetwork, as_map, gradients

RECTIFIERS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish)


def guided_backpropagation(network: ScoredNetwork, target: int) -> np.ndarray:
    """Return the magnitude of the guided gradient in its largest channel, ``(H, W)``."""
    return as_map(guided_gradients(network.scores, network.image, target).abs().amax(dim=1))


def guided_gradients(network: nn.Module, images: Tensor, target: int) -> Tensor:
    """Return the guided gradient of a target's score with respect to each image, ``(B, 3, H, W)``.

    Args:
        network: from images to scores ``(B, K)``; its rectifiers must be modules.
        images: ``(B, 3, H, W)``.
        target: its column among the scores.
    """
    with _guided(network):
        return gradients(network, images, target)


@contextmanager
def _guided(network: nn.Module) -> Iterator[None]:
    """Let the rectifiers of a network pass positive signals only, as long as the block runs."""
    handles: list[RemovableHandle] = []
    in_place: list[nn.Module] = []
    for module in network.modules():
        if isinstance(module, RECTIFIERS):
            if getattr(module, "inplace", False):  # which backward hooks do not allow
                module.inplace = False
                in_place.append(module)
            handles.append(module.register_full_backward_hook(_keep_positive))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for module in in_place:
            module.inplace = True  # type: ignore[assignment]


def _keep_positive(
    module: nn.Module, into: tuple[Tensor, ...] | Tensor, out_of: tuple[Tensor, ...] | Tensor
) -> tuple[Tensor, ...]:
    """Clamp the signal into a rectifier, in which the gradient has already removed what is not active."""
    (signal,) = into
    return (signal.clamp(min=0),)
