"""The methods that explain a part of a prediction, by name, and what each needs of a model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

BLACK_BOX = "occlusion"
"""Needs scores alone."""

OWN = ("attention",)
"""Maps that some models make while they predict."""

GRADIENTS = {
    "saliency": "seetell.explain.saliency:saliency",
    "gradient-x-input": "seetell.explain.gradient_x_input:gradient_x_input",
    "integrated-gradients": "seetell.explain.integrated_gradients:integrated_gradients",
    "guided-backpropagation": "seetell.explain.guided_backpropagation:guided_backpropagation",
    "grad-cam": "seetell.explain.grad_cam:grad_cam",
}
"""Need a network in torch; each is called with a :class:`~seetell.explain.network.ScoredNetwork` and the number of a
target, and returns a map ``(H, W)``."""

METHODS = (*OWN, BLACK_BOX, *GRADIENTS)


def gradient_method(name: str) -> Any:
    """Import and return a method of :data:`GRADIENTS`."""
    module, _, attribute = GRADIENTS[name].partition(":")
    return getattr(import_module(module), attribute)
