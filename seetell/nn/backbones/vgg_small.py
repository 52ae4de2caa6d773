"""A small network in VGG's manner, whose parts recipes exchange to see what each does.

Six 3×3 convolutions, two at each of three resolutions. What can be chosen is what was argued about from 1998 to 2016:
activation functions, normalisation, padding, and how weights begin.
"""

from __future__ import annotations

from typing import Literal, get_args

from torch import nn

from seetell.errors import RecipeError, unknown
from seetell.nn.activations import activation, pieces
from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import INITIALISATIONS, initialise
from seetell.nn.local_response_norm import LocalResponseNorm

STRIDES = (1, 2, 4)

HIDDEN = 128
"""Units of the layer before the outputs."""

Norm = Literal["none", "lrn", "batch"]
Padding = Literal["both", "bottom_right", "top_left", "none"]
Downsampling = Literal["pool", "stride"]


BORDERS: dict[Padding, tuple[int, int, int, int]] = {
    "both": (1, 1, 1, 1),
    "bottom_right": (0, 1, 0, 1),
    "top_left": (1, 0, 1, 0),
    "none": (0, 0, 0, 0),
}
"""Left, right, top and bottom, of 3×3 convolutions that halve an even side, which take one row and one column more than
there are: TensorFlow adds them below and on the right, Caffe above and on the left, torch pads both sides and rounds
down."""


class VggSmall(StagedEncoder):
    """Six convolutions.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
        width: channels at full resolution; twice as many at half of it, four times as many at a quarter.
        activation: a key of :data:`~seetell.nn.activations.ACTIVATIONS`.
        norm: behind each convolution: ``none``, ``lrn`` or ``batch``; local response normalisation comes behind the
            activation, as in AlexNet.
        padding: a key of :data:`BORDERS`; convolutions that keep the resolution are padded on both sides or not at all.
        downsampling: ``pool`` takes the maximum of 2×2 cells, ``stride`` lets the first convolution of a resolution
            skip every other cell.
        initialisation: a key of :data:`~seetell.nn.initialisation.INITIALISATIONS`.
    """

    def __init__(
        self,
        name: str,
        *,
        pretrained: bool,
        image_size: int | None = None,
        width: int = 32,
        activation: str = "relu",
        norm: Norm = "batch",
        padding: Padding = "both",
        downsampling: Downsampling = "pool",
        initialisation: str = "he",
    ) -> None:
        for option, value, known in (
            ("norm", norm, get_args(Norm)),
            ("padding", padding, get_args(Padding)),
            ("downsampling", downsampling, get_args(Downsampling)),
            ("initialisation", initialisation, INITIALISATIONS),
        ):
            if value not in known:
                raise RecipeError(f"encoder.options.{option}: {unknown(option, value, known)}")
        if width < 1:
            raise RecipeError(f"encoder.options.width: expected at least 1 channel, got {width}")
        self._activation, self._initialisation = activation, initialisation
        stages, inputs, centre = [], 3, 0.0
        for stride in STRIDES:
            outputs, layers = width * stride, list[nn.Module]()
            if stride > 1 and downsampling == "pool":
                layers.append(nn.MaxPool2d(2))
                centre += stride / 4
            for number in range(2):
                step = 2 if number == 0 and stride > 1 and downsampling == "stride" else 1
                left, *_ = border = _border(padding, step)
                centre += (1 - left) * stride / step
                layers += _layers(inputs, outputs, step, border, activation, norm)
                inputs = outputs
            stages.append(Stage(stride, nn.Sequential(*layers), first_centre=centre))
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 32)
        initialise(self, initialisation)

    def published_head(self, classes: int) -> PublishedHead:
        """Return a layer of 128 units on all cells, and the outputs."""
        rows, columns = self.grid_size
        units = HIDDEN * pieces(self._activation)
        hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(self.channels * rows * columns, units),
            activation(self._activation, HIDDEN),
        )
        head = PublishedHead(hidden, nn.Linear(HIDDEN, classes))
        initialise(head, self._initialisation)
        return head


def _border(padding: Padding, step: int) -> tuple[int, int, int, int]:
    return BORDERS["both" if step == 1 and padding != "none" else padding]


def _layers(
    inputs: int, outputs: int, stride: int, border: tuple[int, int, int, int], function: str, norm: Norm
) -> list[nn.Module]:
    made, symmetric = outputs * pieces(function), len(set(border)) == 1
    layers: list[nn.Module] = [] if symmetric else [nn.ZeroPad2d(border)]
    layers.append(nn.Conv2d(inputs, made, 3, stride, padding=border[0] if symmetric else 0, bias=norm != "batch"))
    if norm == "batch":
        layers.append(nn.BatchNorm2d(made))
    layers.append(activation(function, outputs))
    if norm == "lrn":
        layers.append(LocalResponseNorm())
    return layers
