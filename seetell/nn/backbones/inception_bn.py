"""Inception with batch normalisation, also called Inception v2: GoogLeNet with 3×3 convolutions only, normalised.

Ioffe & Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", ICML
2015, figure 5. Departures: the first convolution is an ordinary one, as in the networks that came after, and there is
no auxiliary classifier.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from seetell.nn.backbones.encoder import PublishedHead, pooling_head
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise


class Widths(NamedTuple):
    """Channels of an Inception module's branches; a module without 1×1 convolutions halves the resolution."""

    single: int
    reduced: int
    triple: int
    double_reduced: int
    double: int
    projected: int
    pooling: type[nn.Module] = nn.AvgPool2d


MODULES: dict[int, tuple[Widths, ...]] = {
    8: (Widths(64, 64, 64, 64, 96, 32), Widths(64, 64, 96, 64, 96, 64)),
    16: (
        Widths(0, 128, 160, 64, 96, 0, nn.MaxPool2d),
        Widths(224, 64, 96, 96, 128, 128),
        Widths(192, 96, 128, 96, 128, 128),
        Widths(160, 128, 160, 128, 160, 96),
        Widths(96, 128, 192, 160, 192, 96),
    ),
    32: (
        Widths(0, 128, 192, 192, 256, 0, nn.MaxPool2d),
        Widths(352, 192, 320, 160, 224, 128),
        Widths(352, 192, 320, 192, 224, 128, nn.MaxPool2d),
    ),
}
"""By stride: 3a and 3b; 3c and 4a to 4d; 4e, 5a and 5b."""


class InceptionModule(nn.Module):
    """Branches of one 1×1 convolution, one 3×3, two 3×3, and pooling, side by side.

    Args:
        inputs: channels.
        widths: of the branches.
    """

    def __init__(self, inputs: int, widths: Widths) -> None:
        super().__init__()
        stride = 1 if widths.single else 2
        pooling: list[nn.Module] = [widths.pooling(3, stride, 1)]
        if widths.projected:
            pooling += convolution(inputs, widths.projected, 1)
        branches = [
            [
                *convolution(inputs, widths.reduced, 1),
                *convolution(widths.reduced, widths.triple, 3, stride=stride),
            ],
            [
                *convolution(inputs, widths.double_reduced, 1),
                *convolution(widths.double_reduced, widths.double, 3),
                *convolution(widths.double, widths.double, 3, stride=stride),
            ],
            pooling,
        ]
        if widths.single:
            branches.insert(0, convolution(inputs, widths.single, 1))
        self.branches = nn.ModuleList(nn.Sequential(*branch) for branch in branches)
        self.channels = widths.single + widths.triple + widths.double + (widths.projected or inputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, C, H, W)`` → ``(B, C', H, W)``, or half that height and width."""
        return torch.cat([branch(inputs) for branch in self.branches], dim=1)


class InceptionBn(StagedEncoder):
    """The ten Inception modules and the layers before them.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 224 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        stages = [
            Stage(2, nn.Sequential(*convolution(3, 64, 7, stride=2))),
            Stage(
                4,
                nn.Sequential(nn.MaxPool2d(3, 2, padding=1), *convolution(64, 64, 1), *convolution(64, 192, 3)),
            ),
        ]
        channels = 192
        for stride, modules in MODULES.items():
            layers: list[nn.Module] = [nn.MaxPool2d(3, 2, padding=1)] if stride == 8 else []
            for widths in modules:
                module = InceptionModule(channels, widths)
                layers.append(module)
                channels = module.channels
            stages.append(Stage(stride, nn.Sequential(*layers)))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 224)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)


def convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1) -> list[nn.Module]:
    """A convolution without bias, batch normalisation and ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]
