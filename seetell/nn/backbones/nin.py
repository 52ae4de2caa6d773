"""Network in Network for small images: convolutions followed by 1×1 convolutions, and global average pooling.

Lin et al., "Network In Network", ICLR 2014, figure 2, with the widths of the authors' CIFAR-10 network. Departure: its
poolings are padded on both sides, where theirs were on the right and at the bottom alone.
"""

from __future__ import annotations

from torch import nn

from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise

DROPOUT = 0.5


class Nin(StagedEncoder):
    """Three multilayer-perceptron convolutions, without the last layer of the last, which has a map a class.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        stages = (
            Stage(1, nn.Sequential(*_layers(3, 192, 5), *_layers(192, 160, 1), *_layers(160, 96, 1))),
            Stage(
                2,
                nn.Sequential(
                    nn.MaxPool2d(3, 2, padding=1),
                    nn.Dropout(DROPOUT),
                    *_layers(96, 192, 5),
                    *_layers(192, 192, 1),
                    *_layers(192, 192, 1),
                ),
            ),
            Stage(
                4,
                nn.Sequential(
                    nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
                    nn.Dropout(DROPOUT),
                    *_layers(192, 192, 3),
                    *_layers(192, 192, 1),
                ),
            ),
        )
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return the last 1×1 convolution, to a map a class, whose mean is the class's logit."""
        hidden = nn.Sequential(*_layers(192, classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        initialise(hidden, "he")
        return PublishedHead(hidden, nn.Identity())


def _layers(inputs: int, outputs: int, kernel: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU()
