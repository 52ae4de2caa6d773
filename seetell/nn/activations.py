"""Activation functions by name, and Maxout (Goodfellow et al., "Maxout Networks", ICML 2013)."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from seetell.errors import RecipeError, unknown

MAXOUT_PIECES = 2


class Maxout(nn.Module):
    """The greatest of ``pieces`` neighbouring channels: ``(B, pieces·C, H, W)`` → ``(B, C, H, W)``."""

    def __init__(self, pieces: int = MAXOUT_PIECES) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, inputs: Tensor) -> Tensor:
        """Take the maximum of each group of channels."""
        batch, channels, *place = inputs.shape
        return inputs.reshape(batch, channels // self.pieces, self.pieces, *place).amax(dim=2)


ACTIVATIONS: dict[str, Callable[[int], nn.Module]] = {
    "sigmoid": lambda channels: nn.Sigmoid(),
    "tanh": lambda channels: nn.Tanh(),
    "relu": lambda channels: nn.ReLU(),
    "leaky_relu": lambda channels: nn.LeakyReLU(0.01),
    "prelu": nn.PReLU,
    "elu": lambda channels: nn.ELU(),
    "maxout": lambda channels: Maxout(),
}
"""By name, of a number of channels; PReLU (He et al., ICCV 2015) learns a slope for each of them."""


def activation(name: str, channels: int) -> nn.Module:
    """Return an activation function that makes ``channels`` channels.

    Raises:
        RecipeError: there is none of that name.
    """
    if name not in ACTIVATIONS:
        raise RecipeError(f"activation: {unknown('activation', name, ACTIVATIONS)}")
    return ACTIVATIONS[name](channels)


def pieces(name: str) -> int:
    """Return how many channels an activation function reads for each that it makes."""
    return MAXOUT_PIECES if name == "maxout" else 1
