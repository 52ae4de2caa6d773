"""FractalNet: columns of different depth, joined by their mean, without residual connections.

Larsson et al., "FractalNet: Ultra-Deep Neural Networks without Residuals", ICLR 2017, section 2: a fractal of one
column is a convolution; one of ``C + 1`` columns is a convolution beside two fractals of ``C`` columns, one after the
other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.nn.backbones.cifar_resnet import depth_in
from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.drop_path import PathChoice, join
from seetell.nn.initialisation import initialise

CHANNELS = (16, 32, 64, 128, 128)
"""Of the five blocks, as in the paper's ultra-deep networks; its others have four times as many."""

DROPOUT = (0.0, 0.1, 0.2, 0.3, 0.4)
"""At the end of each block."""


class Fractal(nn.Module):
    """A fractal of the columns from ``level`` on.

    Args:
        inputs: channels.
        outputs: channels.
        level: of the shallowest column, from 0.
        choice: of the paths that are kept while training.
    """

    def __init__(self, inputs: int, outputs: int, level: int, choice: PathChoice) -> None:
        super().__init__()
        self.level, self.choice = level, choice
        self.convolution = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )
        deeper = level + 1 < choice.columns
        self.first = Fractal(inputs, outputs, level + 1, choice) if deeper else None
        self.second = Fractal(outputs, outputs, level + 1, choice) if deeper else None

    def forward(self, inputs: Tensor, kept: Sequence[bool]) -> list[Tensor]:
        """Compute the columns that are kept, for a join behind them.

        Args:
            inputs: ``(B, C, H, W)``.
            kept: of each column, shallowest first.
        """
        columns = [self.convolution(inputs)] if kept[0] else []
        if self.first is not None and self.second is not None and any(kept[1:]):
            middle = join(self.first(inputs, self.choice.kept(self.level + 1)))
            columns += self.second(middle, kept[1:])
        return columns


class FractalBlock(nn.Module):
    """A whole fractal with its join and dropout, ``(B, C, H, W)`` → ``(B, C', H, W)``."""

    def __init__(self, inputs: int, outputs: int, choice: PathChoice, *, dropout: float, first: bool) -> None:
        super().__init__()
        self.fractal, self.dropout = Fractal(inputs, outputs, 0, choice), nn.Dropout(dropout)
        self.choice, self.first = choice, first

    def forward(self, inputs: Tensor) -> Tensor:
        """Join the columns that are kept; the first block of a network chooses for all."""
        if self.first:
            self.choice.begin(self.training)
        dropped: Tensor = self.dropout(join(self.fractal(inputs, self.choice.kept(0))))
        return dropped


class FractalNet(StagedEncoder):
    """Five fractal blocks with 2×2 pooling between them, of ``5·2^(C−1)`` convolutions in the deepest column.

    Args:
        name: ends with the number of layers, as ``cifar_fractalnet20`` does.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        drop_path: probability with which a join drops an input while training; 0 keeps all paths.
    """

    drops_paths = True

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None, drop_path: float = 0.15) -> None:
        if not 0 <= drop_path < 1:
            raise RecipeError(f"encoder.options.drop_path: expected a probability below 1, got {drop_path}")
        columns = int(math.log2(depth_in(name) // len(CHANNELS))) + 1
        choice, stages, inputs, stride = PathChoice(columns, drop_path), [], 3, 1
        for outputs, dropout in zip(CHANNELS, DROPOUT, strict=True):
            block = FractalBlock(inputs, outputs, choice, dropout=dropout, first=stride == 1)
            stages.append(Stage(stride, nn.Sequential(nn.MaxPool2d(2), block) if stride > 1 else block))
            inputs, stride = outputs, 2 * stride
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return the last pooling, of images of 32 pixels to one cell, and the outputs."""
        return PublishedHead(nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten()), nn.Linear(self.channels, classes))
