"""Residual networks for images of 32 pixels, and the plain ones they were compared with.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2: three stages of ``2n`` convolutions
with 16, 32 and 64 channels, ``6n + 2`` weighted layers in all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError, unknown
from seetell.nn.backbones.encoder import PublishedHead, pooling_head
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.drop_path import StochasticDepth, linear_survival
from seetell.nn.initialisation import initialise

CHANNELS = {1: 16, 2: 32, 4: 64}
"""By stride."""

Shortcut = Literal["A", "B", "none"]


class PaddedShortcut(nn.Module):
    """Option A: every other cell, and channels of zeros; it has no parameters."""

    def __init__(self, added: int, stride: int) -> None:
        super().__init__()
        self.added, self.stride = added, stride

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, C, H, W)`` → ``(B, C + added, H / stride, W / stride)``."""
        return F.pad(inputs[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.added))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut around them.

    Args:
        inputs: channels.
        outputs: channels.
        stride: of the first convolution.
        shortcut: ``A`` pads, ``B`` projects where shapes differ, ``none`` leaves it out.
        survival: the probability that the convolutions are there while training; see :class:`StochasticDepth`.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, shortcut: Shortcut, survival: float = 1.0) -> None:
        super().__init__()
        convolutions = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.branch = convolutions if survival == 1 else StochasticDepth(convolutions, survival)
        self.shortcut = _shortcut(inputs, outputs, stride, shortcut)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, C, H, W)`` → ``(B, C', H / stride, W / stride)``."""
        residual = self.branch(inputs)
        if self.shortcut is not None:
            kept = self.shortcut(inputs)
            residual = kept if residual is None else kept + residual
        return F.relu(residual)


def _shortcut(inputs: int, outputs: int, stride: int, kind: Shortcut) -> nn.Module | None:
    if kind == "none":
        return None
    if inputs == outputs and stride == 1:
        return nn.Identity()
    if kind == "A":
        return PaddedShortcut(outputs - inputs, stride)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))


def blocks_of(depth: int, *, layers: int) -> int:
    """Return how many blocks a stage has in a network of ``depth`` weighted layers.

    Args:
        depth: of the network.
        layers: of a block.

    Raises:
        RecipeError: no number of blocks makes that depth.
    """
    blocks, rest = divmod(depth - 2, 3 * layers)
    if rest or blocks < 1:
        raise RecipeError(f"encoder.name: expected a depth of {3 * layers}n + 2, got {depth}")
    return blocks


def residual_stages(
    blocks: int, channels: dict[int, int], block: Callable[[int, int, int], nn.Module], *, inputs: int
) -> list[Stage]:
    """Return stages of ``blocks`` blocks, each made of its input and output channels and its stride."""
    stages = []
    for stride, outputs in channels.items():
        made = []
        for number in range(blocks):
            made.append(block(inputs, outputs, 2 if number == 0 and stride > 1 else 1))
            inputs = outputs
        stages.append(Stage(stride, nn.Sequential(*made)))
    return stages


class CifarResNet(StagedEncoder):
    """A residual network of ``6n + 2`` layers.

    Args:
        name: ends with the number of layers, as ``cifar_resnet56`` does.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        shortcut: see :class:`BasicBlock`.
        survival: of the last block while training, that of the others rising linearly towards 1; see
            :func:`linear_survival`.
    """

    def __init__(
        self,
        name: str,
        *,
        pretrained: bool,
        image_size: int | None = None,
        shortcut: Shortcut = "A",
        survival: float = 1.0,
    ) -> None:
        if shortcut not in get_args(Shortcut):
            raise RecipeError(f"encoder.options.shortcut: {unknown('shortcut', shortcut, get_args(Shortcut))}")
        if not 0 < survival <= 1 or (survival < 1 and shortcut == "none"):
            raise RecipeError(
                f"encoder.options.survival: expected a probability above 0, and 1 without shortcuts, got {survival}"
            )
        blocks = blocks_of(depth_in(name), layers=2)
        probabilities = iter(linear_survival(survival, 3 * blocks))

        def block(inputs: int, outputs: int, stride: int) -> nn.Module:
            return BasicBlock(inputs, outputs, stride, shortcut, next(probabilities))

        stages = residual_stages(blocks, CHANNELS, block, inputs=CHANNELS[1])
        stem = (nn.Conv2d(3, CHANNELS[1], 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS[1]), nn.ReLU())
        stages[0] = Stage(1, nn.Sequential(*stem, *stages[0].layers.children()))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)


def depth_in(name: str) -> int:
    """Return the number that a name ends with."""
    return int(name[len(name.rstrip("0123456789")) :])
