"""The two of VGG's six configurations that torchvision lacks: A-LRN, and C with 1×1 convolutions.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015, table 1. A, B, D
and E are torchvision's ``vgg11``, ``vgg13``, ``vgg16`` and ``vgg19``.
"""

from __future__ import annotations

from torch import nn

from seetell.nn.backbones.alexnet2012 import fully_connected_head
from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise
from seetell.nn.local_response_norm import LocalResponseNorm

CHANNELS = (64, 128, 256, 512, 512)
KERNELS: dict[str, tuple[tuple[int, ...], ...]] = {
    "vgg_a_lrn": ((3,), (3,), (3, 3), (3, 3), (3, 3)),
    "vgg_c": ((3, 3), (3, 3), (3, 3, 1), (3, 3, 1), (3, 3, 1)),
}
"""By name, of the convolutions before each pooling."""


class Vgg(StagedEncoder):
    """The convolutions and the five poolings.

    Args:
        name: a key of ``KERNELS``.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 224 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        stages, inputs, stride = [], 3, 1
        for outputs, kernels in zip(CHANNELS, KERNELS[name], strict=True):
            layers: list[nn.Module] = [nn.MaxPool2d(2)] if stride > 1 else []
            for kernel in kernels:
                layers += [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2), nn.ReLU()]
                inputs = outputs
            if name == "vgg_a_lrn" and stride == 1:
                layers.append(LocalResponseNorm())
            stages.append(Stage(stride, nn.Sequential(*layers)))
            stride *= 2
        stages.append(Stage(stride, nn.MaxPool2d(2)))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 224)
        initialise(self, "gaussian")

    def published_head(self, classes: int) -> PublishedHead:
        """Return two layers of 4,096 units with dropout, and the outputs."""
        return fully_connected_head(self, classes)
