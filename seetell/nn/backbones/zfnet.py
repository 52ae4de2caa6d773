"""ZFNet: AlexNet in one tower, with a first convolution of 7×7 and stride 2, whose filters alias less.

Zeiler & Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, figure 3.
"""

from __future__ import annotations

from torch import nn

from seetell.nn.backbones.alexnet2012 import fully_connected_head
from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise
from seetell.nn.local_response_norm import LocalResponseNorm


class ZFNet(StagedEncoder):
    """The five convolutions and the three overlapping poolings.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 224 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        stages = (
            Stage(2, nn.Sequential(nn.Conv2d(3, 96, 7, stride=2, padding=1), nn.ReLU()), first_centre=2),
            Stage(4, nn.Sequential(nn.MaxPool2d(3, 2, padding=1), LocalResponseNorm()), first_centre=2),
            Stage(8, nn.Sequential(nn.Conv2d(96, 256, 5, stride=2), nn.ReLU()), first_centre=10),
            Stage(
                16,
                nn.Sequential(
                    nn.MaxPool2d(3, 2, padding=1),
                    LocalResponseNorm(),
                    nn.Conv2d(256, 384, 3, padding=1),
                    nn.ReLU(),
                    nn.Conv2d(384, 384, 3, padding=1),
                    nn.ReLU(),
                    nn.Conv2d(384, 256, 3, padding=1),
                    nn.ReLU(),
                ),
                first_centre=10,
            ),
            Stage(32, nn.MaxPool2d(3, 2), first_centre=26),
        )
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 224)
        initialise(self, "gaussian")

    def published_head(self, classes: int) -> PublishedHead:
        """Return two layers of 4,096 units with dropout, and the outputs."""
        return fully_connected_head(self, classes)
