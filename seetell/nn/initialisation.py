"""How the weights of convolutions and linear layers begin, by name; their biases begin at 0.

``gaussian`` is AlexNet's and VGG's N(0, 0.01); ``xavier`` keeps the variance of a linear layer (Glorot & Bengio,
AISTATS 2010), ``he`` that of one with ReLU (He et al., ICCV 2015), by its inputs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seetell.errors import RecipeError, unknown

INITIALISATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "zero": nn.init.zeros_,
    "gaussian": lambda weight: nn.init.normal_(weight, std=0.01),
    "xavier": nn.init.xavier_uniform_,
    "he": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
}


def initialise(module: nn.Module, name: str) -> None:
    """Fill the weights of all convolutions and linear layers of a module, in place.

    Raises:
        RecipeError: there is no initialisation of that name.
    """
    if name not in INITIALISATIONS:
        raise RecipeError(f"initialisation: {unknown('initialisation', name, INITIALISATIONS)}")
    for layer in module.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            with torch.no_grad():
                INITIALISATIONS[name](layer.weight)
                if layer.bias is not None:
                    layer.bias.zero_()
