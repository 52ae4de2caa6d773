"""DenseNet for images of 32 pixels: each layer reads the outputs of all layers before it, at the same resolution.

Huang et al., "Densely Connected Convolutional Networks", CVPR 2017, section 3 and table 2: ``L`` layers of ``k``
channels each in three blocks; DenseNet-BC narrows the inputs of each layer (B) and halves channels between blocks (C).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.nn.backbones.encoder import PublishedHead, pooling_head
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise

VARIANTS = {
    "cifar_densenet22_12": (22, 12, False),
    "cifar_densenet40_12": (40, 12, False),
    "cifar_densenet_bc100_12": (100, 12, True),
}
"""By name: ``L``, ``k`` and whether it is DenseNet-BC; the first is a small one for CPUs, which the paper has not."""


class DenseLayer(nn.Module):
    """Append ``growth`` channels to the input: ``(B, C, H, W)`` → ``(B, C + growth, H, W)``."""

    def __init__(self, inputs: int, growth: int, *, bottleneck: bool) -> None:
        super().__init__()
        narrowed = 4 * growth if bottleneck else inputs
        layers: list[nn.Module] = [nn.BatchNorm2d(inputs), nn.ReLU()]
        if bottleneck:
            layers += [nn.Conv2d(inputs, narrowed, 1, bias=False), nn.BatchNorm2d(narrowed), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.Conv2d(narrowed, growth, 3, padding=1, bias=False))

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute and append."""
        return torch.cat([inputs, self.layers(inputs)], dim=1)


class CifarDenseNet(StagedEncoder):
    """A dense network of three blocks.

    Args:
        name: a key of ``VARIANTS``.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        depth, growth, compressed = VARIANTS[name]
        count = (depth - 4) // (6 if compressed else 3)
        channels = 2 * growth if compressed else 16
        layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
        stages = []
        for stride in (1, 2, 4):
            for _ in range(count):
                layers.append(DenseLayer(channels, growth, bottleneck=compressed))
                channels += growth
            if stride == 4:
                layers += [nn.BatchNorm2d(channels), nn.ReLU()]
            stages.append(Stage(stride, nn.Sequential(*layers)))
            outputs = channels // 2 if compressed else channels
            layers = [
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, outputs, 1, bias=False),
                nn.AvgPool2d(2),
            ]
            channels = outputs
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)
