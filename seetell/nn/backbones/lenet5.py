"""LeNet-5, the network of the bank cheques: two convolutions, each followed by pooling, and three linear layers.

LeCun et al., "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 1998, section II.B. Departures,
those of most implementations: maps are connected to all maps before them; pooling has no weights; outputs are logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder

LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey, ITU-R BT.601."""


class Grey(nn.Module):
    """Colour images ``(B, 3, H, W)`` as grey ones, ``(B, 1, H, W)``."""

    weights: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weights", torch.tensor(LUMINANCE)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Take the weighted sum of the channels."""
        return (images * self.weights).sum(dim=1, keepdim=True)


class LeNet5(StagedEncoder):
    """LeNet-5 up to its second pooling.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        colour: read the three channels; the paper's images are grey.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None, colour: bool = False) -> None:
        first: list[nn.Module] = [nn.Conv2d(3, 6, 5)] if colour else [Grey(), nn.Conv2d(1, 6, 5)]
        stages = (
            Stage(2, nn.Sequential(*first, nn.Tanh(), nn.AvgPool2d(2)), first_centre=2.5),
            Stage(4, nn.Sequential(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)), first_centre=7.5),
        )
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)

    def published_head(self, classes: int) -> PublishedHead:
        """Return C5 and F6, of 120 and 84 units, and the outputs."""
        rows, columns = self.grid_size
        hidden = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * rows * columns, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh()
        )
        return PublishedHead(hidden, nn.Linear(84, classes))
