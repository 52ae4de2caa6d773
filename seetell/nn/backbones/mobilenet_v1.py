"""MobileNet: convolutions of each channel by itself (depthwise), followed by 1×1 ones.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", 2017, table 1.
"""

from __future__ import annotations

from torch import nn

from seetell.errors import RecipeError
from seetell.nn.backbones.encoder import PublishedHead, pooling_head
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise

CHANNELS = {2: (32, 64), 4: (128, 128), 8: (256, 256), 16: (512,) * 6, 32: (1024, 1024)}
"""By stride, of each layer."""


class MobileNetV1(StagedEncoder):
    """The twenty-seven convolutions.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels, the paper's resolution multiplier; 224 when absent.
        width: the paper's width multiplier ``α``, on all channels.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None, width: float = 1.0) -> None:
        if not 0 < width <= 4:
            raise RecipeError(f"encoder.options.width: expected a number above 0, at most 4, got {width}")
        stages, inputs = [], 3
        for stride, channels in CHANNELS.items():
            layers: list[nn.Module] = []
            for number, full in enumerate(channels):
                outputs, step = max(8, int(full * width)), 2 if number == 0 else 1
                layers += (
                    _convolution(inputs, outputs, 3, stride=step)
                    if inputs == 3
                    else (
                        *_convolution(inputs, inputs, 3, stride=step, groups=inputs),
                        *_convolution(inputs, outputs, 1),
                    )
                )
                inputs = outputs
            stages.append(Stage(stride, nn.Sequential(*layers)))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 224)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)


def _convolution(inputs: int, outputs: int, kernel: int, *, stride: int = 1, groups: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
