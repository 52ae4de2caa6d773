"""FishNet: a tail that makes features coarser, a body that refines finer ones, and a head that makes them coarse again.

Sun et al., "FishNet: A Versatile Backbone for Image, Region, and Pixel Level Prediction", NeurIPS 2018. In body and
head no convolution stands alone on a shortcut: maps are joined by concatenation, the body's fewer channels are sums of
``k`` neighbouring ones, and resolution changes by pooling and nearest neighbours, so that gradients reach the tail
directly. The maps at the end have the details of early layers and the meaning of late ones at every stride.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.nn.backbones.encoder import Encoder, Features, PublishedHead, pooled_and_grid
from seetell.nn.backbones.staged import photo_preprocessing, refuse_weights
from seetell.nn.initialisation import initialise

STEM = 64
TAIL = (128, 256, 512)
SQUEEZE = 512
BODY = (512, 384, 256)
STRIDES = (4, 8, 16, 32)
MAPS = {2: 64, 4: 320, 8: 832, 16: 1600, 32: 2112}
"""Channels of the maps at the end, by stride."""


@dataclass(frozen=True)
class Blocks:
    """How many bottlenecks each part has; where there are two, on the trunk and on the transfer.

    Attributes:
        tail: at strides 4, 8 and 16.
        squeeze: before squeeze and excitation, at stride 32.
        body: at strides 32, 16 and 8.
        head: at strides 4, 8 and 16.
    """

    tail: tuple[int, int, int]
    squeeze: int
    body: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    head: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]


VARIANTS = {
    "fishnet99": Blocks((2, 2, 6), 2, ((1, 1), (1, 1), (1, 1)), ((1, 1), (2, 1), (2, 4))),
    "fishnet150": Blocks((2, 4, 8), 4, ((2, 2), (2, 2), (2, 2)), ((2, 2), (2, 2), (4, 4))),
}


class Bottleneck(nn.Module):
    """Normalisation, ReLU and convolution three times, 1×1, 3×3 and 1×1, with a shortcut around them.

    Args:
        inputs: channels.
        outputs: channels; a quarter of them are inside.
        reduction: sum this many neighbouring channels on the shortcut, instead of an isolated convolution.
        dilation: of the 3×3 convolution.
    """

    def __init__(self, inputs: int, outputs: int, *, reduction: int = 1, dilation: int = 1) -> None:
        super().__init__()
        inside = outputs // 4
        self.layers = nn.Sequential(
            *_activated(inputs, inside, 1),
            *_activated(inside, inside, 3, dilation=dilation),
            *_activated(inside, outputs, 1),
        )
        self.shortcut: nn.Module
        if reduction > 1:
            self.shortcut = ChannelReduction(reduction)
        elif inputs != outputs:
            self.shortcut = IsolatedConvolution(*_activated(inputs, outputs, 1))
        else:
            self.shortcut = nn.Identity()

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, C, H, W)`` → ``(B, C', H, W)``."""
        refined: Tensor = self.shortcut(inputs) + self.layers(inputs)
        return refined


class IsolatedConvolution(nn.Sequential):
    """A convolution that stands alone on a shortcut, which body and head of a fish have none of."""


class ChannelReduction(nn.Module):
    """Sum each ``k`` neighbouring channels, ``(B, k·C, H, W)`` → ``(B, C, H, W)``: the paper's ``r``."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    def forward(self, inputs: Tensor) -> Tensor:
        """Sum."""
        batch, channels, rows, columns = inputs.shape
        return inputs.reshape(batch, channels // self.k, self.k, rows, columns).sum(dim=2)


class SqueezeExcitation(nn.Module):
    """The end of the tail: channels weighted by what the whole image shows, ``(B, 512, H, W)`` → the same shape.

    Hu et al., "Squeeze-and-Excitation Networks", CVPR 2018; the weights are added, too, as in FishNet's own code.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.score = nn.Sequential(
            *_activated(channels, channels // 2, 1),
            nn.BatchNorm2d(channels // 2),
            nn.ReLU(),
            nn.Conv2d(channels // 2, 2 * channels, 1),
        )
        self.blocks = bottlenecks(2 * channels, SQUEEZE, blocks)
        self.weights = nn.Sequential(
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(2 * channels, SQUEEZE // 16, 1),
            nn.ReLU(),
            nn.Conv2d(SQUEEZE // 16, SQUEEZE, 1),
            nn.Sigmoid(),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Score, refine and weight."""
        scores = self.score(inputs)
        weights = self.weights(scores)
        weighted: Tensor = self.blocks(scores) * weights + weights
        return weighted


class Refinement(nn.Module):
    """A UR- or DR-block: refine, resize, and append what is transferred from the part before.

    Args:
        inputs: channels of the trunk.
        outputs: channels of the trunk behind it; fewer ones are sums of ``inputs / outputs``.
        transferred: channels of the map that is appended.
        blocks: bottlenecks on the trunk and on the transfer.
        up: double the resolution (UR) rather than halve it (DR).
        dilation: of the first bottleneck.
    """

    def __init__(
        self, inputs: int, outputs: int, transferred: int, blocks: tuple[int, int], *, up: bool, dilation: int = 1
    ) -> None:
        super().__init__()
        self.trunk = bottlenecks(inputs, outputs, blocks[0], reduction=inputs // outputs, dilation=dilation)
        self.transfer = bottlenecks(transferred, transferred, blocks[1])
        self.channels, self.up = outputs + transferred, up

    def resized(self, trunk: Tensor) -> Tensor:
        """Return the refined trunk at the next resolution, ``(B, C', H', W')``."""
        refined: Tensor = self.trunk(trunk)
        return F.interpolate(refined, scale_factor=2.0) if self.up else F.max_pool2d(refined, 2)

    def forward(self, trunk: Tensor, earlier: Tensor) -> Tensor:
        """``(B, C, H, W)`` and ``(B, T, H', W')`` → ``(B, C' + T, H', W')``, the trunk first."""
        return torch.cat([self.resized(trunk), self.transfer(earlier)], dim=1)


def bottlenecks(inputs: int, outputs: int, count: int, *, reduction: int = 1, dilation: int = 1) -> nn.Sequential:
    """Return bottlenecks one after the other, of which the first changes the channels."""
    first = Bottleneck(inputs, outputs, reduction=reduction, dilation=dilation)
    return nn.Sequential(first, *(Bottleneck(outputs, outputs, dilation=dilation) for _ in range(count - 1)))


def _activated(inputs: int, outputs: int, kernel: int, *, dilation: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.BatchNorm2d(inputs),
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, padding=dilation * (kernel // 2), dilation=dilation, bias=False),
    )


class FishNet(Encoder):
    """A fish up to the map that its score is computed from.

    Args:
        name: a key of ``VARIANTS``.
        pretrained: refused; no package has the published weights.
        image_size: side of the square input in pixels, a multiple of 32; 224 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        super().__init__()
        refuse_weights(name, pretrained)
        size = 224 if image_size is None else image_size
        if size % 32:
            raise RecipeError(f"encoder.image_size: {name} takes a multiple of 32, got {size}")
        self.name, self.channels, self.grid_size = name, MAPS[32], (size // 32, size // 32)
        self.preprocessing = photo_preprocessing(size)
        blocks = VARIANTS[name]
        self.stem = nn.Sequential(
            *_normalised(3, STEM // 2, stride=2), *_normalised(STEM // 2, STEM // 2), *_normalised(STEM // 2, STEM)
        )
        made, channels = [], STEM
        for outputs, count in zip(TAIL, blocks.tail, strict=True):
            made.append(bottlenecks(channels, outputs, count))
            channels = outputs
        self.tail = nn.ModuleList(made)
        self.squeeze = SqueezeExcitation(channels, blocks.squeeze)
        tail = (STEM, *TAIL)[:-1]
        body, channels, joined = [], SQUEEZE, [SQUEEZE]
        for number, (outputs, counts) in enumerate(zip(BODY, blocks.body, strict=True)):
            body.append(Refinement(channels, outputs, tail[-1 - number], counts, up=True, dilation=2**number))
            channels = body[-1].channels
            joined.append(channels)
        head = []
        for counts, transferred in zip(blocks.head, reversed(joined[:-1]), strict=True):
            head.append(Refinement(channels, channels, transferred, counts, up=False))
            channels = head[-1].channels
        self.body, self.head = nn.ModuleList(body), nn.ModuleList(head)
        initialise(self, "he")

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` into ``pooled (B, 2112)`` and ``grid (B, H/32·W/32, 2112)``."""
        return pooled_and_grid(self.feature_maps(images, [32])[32])

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride."""
        return MAPS

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the first convolutions' output and the maps of the head; see :meth:`Encoder.feature_maps`.

        Raises:
            RecipeError: the sides of the images are no multiples of 32.
        """
        wanted = self._wanted(strides)
        if any(side % 32 for side in images.shape[2:]):
            raise RecipeError(f"{self.name} takes images whose sides are multiples of 32, got {tuple(images.shape)}")
        maps = {2: self.stem(images)}
        if max(wanted) > 2:
            earlier = [F.max_pool2d(maps[2], 3, 2, 1)]  # at strides 4, 8 and 16, then those of the body
            for stage in self.tail:
                earlier.append(F.max_pool2d(stage(earlier[-1]), 2))
            activation = self.squeeze(earlier.pop())
            joined = [activation]
            for block, transferred in zip(self.body, reversed(earlier), strict=True):
                joined.append(block(joined[-1], transferred))
            maps[4] = joined.pop()
            for stride, block, transferred in zip(STRIDES[1:], self.head, reversed(joined), strict=True):
                if stride > max(wanted):
                    break
                maps[stride] = block(maps[stride // 2], transferred)
        return {stride: maps[stride] for stride in wanted}

    def published_head(self, classes: int) -> PublishedHead:
        """Return the score's 1×1 convolution, global average pooling and the outputs."""
        inside = self.channels // 2
        hidden = nn.Sequential(
            *_activated(self.channels, inside, 1),
            nn.BatchNorm2d(inside),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        return PublishedHead(hidden, nn.Linear(inside, classes))


def _normalised(inputs: int, outputs: int, *, stride: int = 1) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
