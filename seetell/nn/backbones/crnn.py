"""The convolutions of CRNN, which read a picture of a text column by column.

Shi, Bai & Yao, "An End-to-End Trainable Neural Network for Image-Based Sequence Recognition and Its Application to
Scene Text Recognition", 2015, table 1: VGG's layers on grey pixels, but that the last poolings are higher than wide, so
that a picture of 32 rows becomes one row of features, with a column for every four of its pixels. Where the paper names
a window of 1×2 with a stride of 2, ours moves down by 2 and right by 1, as its text wants it; the last convolution,
2×2 without padding, then leaves 24 columns of 100 pixels.

``crnn_small`` is ours: an eighth of the parameters and a twentieth of the work, every convolution normalised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from seetell.nn.backbones.encoder import Encoder, Features, pooled_and_grid
from seetell.nn.backbones.staged import output_shape, refuse_weights
from seetell.photos import Preprocessing

GREY = (0.299, 0.587, 0.114)
HEIGHT = 32


class _Layer(NamedTuple):
    """A convolution and what follows it.

    Attributes:
        channels: of the output.
        norm: normalise by the statistics of batches.
        pool: height and width of a pooling behind it; ``None`` for none.
        kernel: height and width of the convolution; 3×3 is padded, others are not.
        stride: of the convolution.
    """

    channels: int
    norm: bool = False
    pool: tuple[int, int] | None = None
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1


VARIANTS: dict[str, tuple[int, tuple[_Layer, ...]]] = {
    "crnn": (
        100,
        (
            _Layer(64, pool=(2, 2)),
            _Layer(128, pool=(2, 2)),
            _Layer(256),
            _Layer(256, pool=(2, 1)),
            _Layer(512, norm=True),
            _Layer(512, norm=True, pool=(2, 1)),
            _Layer(512, kernel=(2, 2)),
        ),
    ),
    "crnn_small": (
        128,
        (
            _Layer(24, norm=True, stride=2),
            _Layer(40, norm=True, pool=(2, 2)),
            _Layer(64, norm=True),
            _Layer(64, norm=True, pool=(2, 1)),
            _Layer(112, norm=True, pool=(2, 1)),
            _Layer(160, norm=True),
            _Layer(192, norm=True, kernel=(2, 1)),
        ),
    ),
}
"""By name: columns of the input, and layers."""


class Crnn(Encoder):
    """The convolutions; the grid has one row for pictures of 32 rows.

    Args:
        name: a key of ``VARIANTS``.
        pretrained: refused; there are no published weights.
        image_size: rows and columns of a square input; 32 rows and ``width`` columns when absent.
        width: columns of the input; the variant's own when absent.
    """

    grey: Tensor

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None, width: int | None = None) -> None:
        super().__init__()
        refuse_weights(name, pretrained)
        self.name = name
        columns, layers = VARIANTS[name]
        height, width = image_size or HEIGHT, image_size or width or columns
        self.preprocessing = Preprocessing(
            height=height, width=width, resample="bilinear", mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5)
        )
        self.register_buffer("grey", torch.tensor(GREY)[None, :, None, None], persistent=False)
        self.stages = nn.ModuleList(_stages(layers))
        self._map_channels, stride = {}, 1
        shape: Sequence[int] = (1, 1, height, width)
        for number, stage in enumerate(self.stages):
            before, shape = shape, output_shape(name, stage, shape, height)
            stride *= round(before[2] / shape[2])
            if number < len(self.stages) - 1:
                self._map_channels[stride] = shape[1]
        self.channels, self.grid_size = shape[1], (shape[2], shape[3])

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)``."""
        activation = (images * self.grey).sum(dim=1, keepdim=True)
        for stage in self.stages:
            activation = stage(activation)
        return pooled_and_grid(activation)

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of the maps whose cells are as high as wide, by stride; those behind are no feature maps."""
        return self._map_channels

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the output of each stage but the last, by stride; see :meth:`Encoder.feature_maps`."""
        wanted = self._wanted(strides)
        activation, maps = (images * self.grey).sum(dim=1, keepdim=True), {}
        for stride, stage in zip(self._map_channels, self.stages, strict=False):
            if stride > max(wanted):
                break
            activation = stage(activation)
            if stride in wanted:
                maps[stride] = activation
        return maps


def _stages(layers: Sequence[_Layer]) -> list[nn.Sequential]:
    """Return the layers of each resolution that is the same in both directions, and all behind them as the last."""
    stages: list[list[nn.Module]] = [[]]
    inputs, square = 1, True
    for layer in layers:
        padding = 1 if layer.kernel == (3, 3) else 0
        stages[-1] += [
            nn.Conv2d(inputs, layer.channels, layer.kernel, layer.stride, padding, bias=not layer.norm),
            *([nn.BatchNorm2d(layer.channels)] if layer.norm else []),
            nn.ReLU(),
        ]
        if layer.pool is not None:
            if square:
                stages.append([])
            square = square and layer.pool == (2, 2)
            stages[-1].append(nn.MaxPool2d(layer.pool))
        inputs = layer.channels
    return [nn.Sequential(*stage) for stage in stages]
