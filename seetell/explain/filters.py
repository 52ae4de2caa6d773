"""First-layer filters: what the units see that look at pixels themselves (Krizhevsky et al. 2012, figure 3)."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import nn

from seetell.errors import UsageError

GAP = 1


def first_filters(network: nn.Module) -> torch.Tensor:
    """Return the weights of the first convolution that sees colours, ``(N, 3, h, w)``.

    Raises:
        UsageError: there is none.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.in_channels == 3 and module.groups == 1:
            return module.weight.detach()
    raise UsageError("the network has no convolution that sees colours")


def draw_filters(filters: torch.Tensor, *, scale: int = 12) -> Image.Image:
    """Draw filters as colours, each scaled so that 0 is grey and its largest weight black or white.

    Args:
        filters: ``(N, 3, h, w)``.
        scale: pixels of a weight.
    """
    values = filters / filters.abs().amax(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12)
    pixels = ((values + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    count, height, width, _ = pixels.shape
    columns = math.ceil(math.sqrt(count * height / width))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), 255, np.uint8)
    for number, tile in enumerate(pixels):
        top, left = GAP + number // columns * (height + GAP), GAP + number % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = tile
    return Image.fromarray(sheet).resize((sheet.shape[1] * scale, sheet.shape[0] * scale), Image.Resampling.NEAREST)
