"""What most networks of this folder are: stages that run one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.nn.backbones.encoder import Encoder, Features, pooled_and_grid
from seetell.photos import Preprocessing


class Stage(NamedTuple):
    """The layers of one resolution.

    Attributes:
        stride: of their output, in pixels of the input.
        layers: from the stage before.
        first_centre: the pixel at which the output's first cell is centred, where convolutions without padding cut
            the border off.
    """

    stride: int
    layers: nn.Module
    first_centre: float = 0.0


class StagedEncoder(Encoder):
    """A network of stages, without published weights.

    Args:
        name: the name it is created by.
        stages: finest first.
        pretrained: refused.
        image_size: side of the square input in pixels.

    Raises:
        RecipeError: images of that size are too small.
    """

    def __init__(self, name: str, stages: Sequence[Stage], *, pretrained: bool, image_size: int) -> None:
        super().__init__()
        refuse_weights(name, pretrained)
        self.name = name
        self.preprocessing = photo_preprocessing(image_size)
        self.stages = nn.ModuleList(stage.layers for stage in stages)
        self._strides = [stage.stride for stage in stages]
        self._first_centres = [stage.first_centre for stage in stages]
        self._channels = []
        shape: Sequence[int] = (1, 3, image_size, image_size)
        for layers in self.stages:
            shape = output_shape(name, layers, shape, image_size)
            self._channels.append(shape[1])
        self.channels, self.grid_size = shape[1], (shape[2], shape[3])

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)``."""
        return self.forward_from_stage(images, frozen_stages=0)

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride."""
        return dict(zip(self._strides, self._channels, strict=True))

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the output of each stage, by stride; see :meth:`Encoder.feature_maps`."""
        wanted = self._wanted(strides)
        activation, maps = images, {}
        for stride, centre, layers in zip(self._strides, self._first_centres, self.stages, strict=True):
            if stride > max(wanted):
                break
            activation = layers(activation)
            if stride in wanted:
                maps[stride] = _with_border(activation, stride, centre, images.shape[2:]) if centre else activation
        return maps

    def trainable(self, *, frozen_stages: int) -> list[nn.Parameter]:
        """Return the parameters behind the first stages."""
        return list(self.stages[self._checked(frozen_stages) :].parameters())

    def first_stages(self, frozen_stages: int) -> nn.Module:
        """Return the first stages."""
        return nn.Sequential(*self.stages[: self._checked(frozen_stages)])

    def forward_from_stage(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Resume from the activation that :meth:`first_stages` returned."""
        for layers in self.stages[self._checked(frozen_stages) :]:
            activation = layers(activation)
        return pooled_and_grid(activation)

    def _checked(self, frozen_stages: int) -> int:
        if frozen_stages:
            self._last_stride(frozen_stages)
        return frozen_stages


def refuse_weights(name: str, pretrained: bool) -> None:
    """Say that a network has no published weights, if they are asked for.

    Raises:
        RecipeError: they are.
    """
    if pretrained:
        raise RecipeError(f"encoder.weights: {name} has none of ImageNet; expected 'none' or a safetensors file")


def photo_preprocessing(image_size: int) -> Preprocessing:
    """Return the preprocessing of a network trained from scratch: ImageNet's mean and deviation of each channel."""
    return Preprocessing(
        height=image_size,
        width=image_size,
        resample="bilinear",
        mean=(123.675, 116.28, 103.53),
        std=(58.395, 57.12, 57.375),
    )


def output_shape(name: str, module: nn.Module, shape: Sequence[int], image_size: int) -> tuple[int, ...]:
    """Return the shape of a module's output without computing it.

    Raises:
        RecipeError: a layer would have no output.
    """
    state = {key: value.to("meta") for key, value in (*module.named_parameters(), *module.named_buffers())}
    training = module.training
    try:
        output = functional_call(module.eval(), state, (torch.zeros(tuple(shape), device="meta"),))
    except RuntimeError as error:
        raise RecipeError(f"encoder.image_size: {name} cannot read images of {image_size} pixels: {error}") from error
    module.train(training)
    return tuple(output.shape)


def _with_border(activation: Tensor, stride: int, first_centre: float, image_size: Sequence[int]) -> Tensor:
    """Repeat the border of a map, so that its cells are centred at multiples of the stride, all over the image."""
    before = round(first_centre / stride)
    below, right = (
        max(-(-side // stride) - before - cells, 0)
        for side, cells in zip(image_size, activation.shape[2:], strict=True)
    )
    return F.pad(activation, (before, right, before, below), mode="replicate")
