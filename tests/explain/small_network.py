"""A network of three convolutions with random weights, whose layers have names as a real one's."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from seetell.nn.backbones import Encoder, Features
from seetell.nn.backbones.encoder import pooled_and_grid
from seetell.photos import Preprocessing


class SmallNetwork(Encoder):
    """Maps of 4, 6 and 8 channels at strides 1, 2 and 4."""

    def __init__(self, size: int = 32) -> None:
        super().__init__()
        self.name, self.channels, self.grid_size = "small", 8, (size // 4, size // 4)
        self.preprocessing = Preprocessing(height=size, width=size)
        self.layers = nn.Sequential(
            OrderedDict(
                first=nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU()),
                second=nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.ReLU()),
                third=nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU()),
            )
        )

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)``."""
        return pooled_and_grid(self.layers(images))


def small_network() -> SmallNetwork:
    """Return it, in evaluation mode, with the same weights each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SmallNetwork().eval().requires_grad_(False)


def linear_scores() -> nn.Module:
    """Return a linear classifier of three classes on pixels of the network's input."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        scores = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3))
    return scores.eval().requires_grad_(False)
