"""The encoder of SegNet-Basic, a small network that keeps much resolution.

Badrinarayanan, Kendall & Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
PAMI 2017, section 3.3: four convolutions of 7×7 cells and 64 channels, each with batch normalisation, an activation and
2×2 maximum pooling. Departure: no local contrast normalisation of the images.
"""

from __future__ import annotations

from torch import nn

from seetell.errors import RecipeError
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise

STAGES = 4


class SegNetBasic(StagedEncoder):
    """Four convolutions and four poolings.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 480 when absent.
        channels: of the convolutions.
        kernel: their side in cells, an odd number.
    """

    def __init__(
        self,
        name: str,
        *,
        pretrained: bool,
        image_size: int | None = None,
        channels: tuple[int, ...] = (64, 64, 64, 64),
        kernel: int = 7,
    ) -> None:
        if len(channels) != STAGES or min(channels) < 1:
            raise RecipeError(f"encoder.options.channels: expected {STAGES} positive numbers, got {list(channels)}")
        if kernel < 1 or kernel % 2 == 0:
            raise RecipeError(f"encoder.options.kernel: expected an odd number, got {kernel}")
        stages, inputs = [], 3
        for number, outputs in enumerate(channels):
            layers: list[nn.Module] = [nn.MaxPool2d(2)] if number else []
            layers += [
                nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
            ]
            stages.append(Stage(2**number, nn.Sequential(*layers)))
            inputs = outputs
        stages.append(Stage(2**STAGES, nn.Sequential(nn.MaxPool2d(2))))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 480)
        initialise(self, "he")
