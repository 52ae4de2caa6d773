"""Wide residual networks for images of 32 pixels: pre-activation blocks with ``k`` times the channels.

Zagoruyko & Komodakis, "Wide Residual Networks", BMVC 2016, table 1: ``6n + 4`` layers, of which the shortcuts'
convolutions are counted.
"""

from __future__ import annotations

import re

from torch import nn

from seetell.errors import RecipeError
from seetell.nn.backbones.cifar_resnet import CHANNELS, blocks_of, residual_stages
from seetell.nn.backbones.encoder import PublishedHead, pooling_head
from seetell.nn.backbones.preact_resnet import PreActivationBlock, pre_activated
from seetell.nn.backbones.staged import StagedEncoder
from seetell.nn.initialisation import initialise


class WideResNet(StagedEncoder):
    """A wide residual network of ``d`` layers.

    Args:
        name: ends with ``d_k``, as ``cifar_wide_resnet28_10`` does.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        dropout: probability of zeroing an element between the convolutions of a block; 0.3 in the paper's CIFAR runs.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None, dropout: float = 0.0) -> None:
        if not 0 <= dropout < 1:
            raise RecipeError(f"encoder.options.dropout: expected a probability below 1, got {dropout}")
        depth, width = (int(number) for number in re.findall(r"(\d+)_(\d+)$", name)[0])
        channels = {stride: outputs * width for stride, outputs in CHANNELS.items()}

        def block(inputs: int, outputs: int, stride: int) -> nn.Module:
            return PreActivationBlock(inputs, outputs, stride, dropout=dropout)

        stages = residual_stages(blocks_of(depth - 2, layers=2), channels, block, inputs=CHANNELS[1])
        super().__init__(name, pre_activated(stages, CHANNELS[1]), pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)
