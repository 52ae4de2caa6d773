"""A small network to find text with, trained from scratch: fine maps have few channels, coarse ones see far.

Each resolution has a 3×3 convolution that halves it, and up to two that do not; all are normalised by the statistics of
batches.
"""

from __future__ import annotations

from torch import nn

from seetell.nn.backbones.staged import Stage, StagedEncoder

LAYERS = {2: (12,), 4: (24, 24), 8: (48, 48), 16: (80, 80, 80), 32: (112, 112, 112)}
"""Channels of the convolutions at each stride."""


class TextSmall(StagedEncoder):
    """Eleven convolutions, 1/32 of the input's resolution.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 385 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        stages, inputs = [], 3
        for stride, channels in LAYERS.items():
            layers: list[nn.Module] = []
            for number, outputs in enumerate(channels):
                layers += [
                    nn.Conv2d(inputs, outputs, 3, stride=1 if number else 2, padding=1, bias=False),
                    nn.BatchNorm2d(outputs),
                    nn.ReLU(),
                ]
                inputs = outputs
            stages.append(Stage(stride, nn.Sequential(*layers)))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 385)
