"""A small network that draws photos in any of several styles, mixed and as strongly as you like, in one pass.

Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016: an encoder
and a decoder with residual blocks between. Dumoulin, Shlens & Kudlur, "A Learned Representation for Artistic Style",
ICLR 2017: styles share all weights but scale and shift of the normalisation, which are mixed to mix styles;
nearest-neighbour upsampling in place of transposed convolutions.
Departures: half the published channels or fewer, for processors without a graphics card; and the photo itself is the
first of the styles: with its share in the mixture the photo is added to the picture, so that the share of all others is
the strength of the style, from 0 to 1 (compare Babaeizadeh & Ghiasi, "Adjustable Real-time Style Transfer", 2018).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import CheckpointError
from seetell.photos.preprocessing import Preprocessing

CHANNELS, BLOCKS = (16, 32, 64), 5


class ConditionalInstanceNorm(nn.Module):
    """Instance normalisation whose scale and shift are a style's (Dumoulin et al. 2017, equation 5).

    Args:
        channels: ``C``.
        styles: ``S``.
    """

    def __init__(self, channels: int, styles: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(styles, channels))
        self.shift = nn.Parameter(torch.zeros(styles, channels))

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        """Normalise ``(B, C, H, W)`` by the styles' shares ``(B, S)``."""
        scale, shift = (mix @ each for each in (self.scale, self.shift))
        return F.instance_norm(x) * scale[:, :, None, None] + shift[:, :, None, None]


class _Layer(nn.Module):
    """Upsampling, a convolution with reflected edges, normalisation and a rectifier, each where it is wanted."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, styles: int, *, stride: int = 1, scale: int = 1, relu: bool = True
    ) -> None:
        super().__init__()
        self.scale, self.relu = scale, relu
        self.convolution = nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect", bias=False
        )  # which the normalisation would take away
        self.norm = ConditionalInstanceNorm(outputs, styles)

    def forward(self, x: Tensor, mix: Tensor) -> Tensor:
        if self.scale > 1:
            x = F.interpolate(x, scale_factor=self.scale, mode="nearest")
        x = self.norm(self.convolution(x), mix)
        return F.relu(x) if self.relu else x


class StyleNetwork(nn.Module):
    """Photos to pictures in the styles that it was trained on.

    Args:
        styles: their names, ``S``.
        channels: at strides 1, 2 and 4.
        blocks: residual ones.

    Attributes:
        preprocessing: of its input and output; a size is not asked for.
    """

    def __init__(self, styles: Sequence[str], *, channels: Sequence[int] = CHANNELS, blocks: int = BLOCKS) -> None:
        super().__init__()
        self.styles, self.channels, count = tuple(styles), tuple(channels), len(styles) + 1
        self.preprocessing = Preprocessing(height=256, width=256)
        first, second, third = channels
        self.down = nn.ModuleList(
            [
                _Layer(3, first, 9, count),
                _Layer(first, second, 3, count, stride=2),
                _Layer(second, third, 3, count, stride=2),
            ]
        )
        self.blocks = nn.ModuleList(
            nn.ModuleList([_Layer(third, third, 3, count), _Layer(third, third, 3, count, relu=False)])
            for _ in range(blocks)
        )
        self.up = nn.ModuleList([_Layer(third, second, 3, count, scale=2), _Layer(second, first, 3, count, scale=2)])
        self.last = _Layer(first, 3, 9, count, relu=False)

    def forward(self, images: Tensor, mix: Tensor) -> Tensor:
        """Draw images.

        Args:
            images: ``(B, 3, H, W)`` within -1 and 1; height and width are multiples of 4, 16 or more.
            mix: the share of the photo and of each style, ``(B, 1 + S)``, rows summing to 1.

        Returns:
            ``(B, 3, H, W)`` within -1 and 1.
        """
        x = images
        for layer in self.down:
            x = layer(x, mix)
        for block in self.blocks:
            inner = x
            for layer in block:  # type: ignore[attr-defined]
                inner = layer(inner, mix)
            x = x + inner
        for layer in self.up:
            x = layer(x, mix)
        kept = mix[:, :1, None, None]
        return (1 - kept) * torch.tanh(self.last(x, mix)) + kept * images

    def save(self, path: Path) -> None:
        """Write weights, and in their metadata the styles and sizes, as safetensors."""
        sizes = {"styles": self.styles, "channels": self.channels, "blocks": len(self.blocks)}
        save_file(self.state_dict(), path, {"style_network": json.dumps(sizes)})

    @classmethod
    def load(cls, path: Path) -> StyleNetwork:
        """Read what :meth:`save` wrote, in evaluation mode.

        Raises:
            CheckpointError: the file is missing or holds no such network.
        """
        try:
            with safe_open(path, "pt") as file:
                sizes = json.loads((file.metadata() or {})["style_network"])
                network = cls(sizes["styles"], channels=sizes["channels"], blocks=int(sizes["blocks"]))
                network.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{path}: holds no network of styles ({reason})") from error
        return network.eval().requires_grad_(False)
