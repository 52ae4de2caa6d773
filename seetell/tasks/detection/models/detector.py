"""What all detectors offer to training and export, whatever paper they are of.

A detector reads maps of the encoder, and gives *candidates*: boxes with a score for each class, of which
:func:`~seetell.geometry.boxes.nms_per_class` keeps the best. There are detectors that give them in one stage, and
:class:`~.regions.RegionDetector` s, which look closer at proposals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder
from seetell.nn.box_head import Loss
from seetell.nn.standardisation import Standardise


class Targets(NamedTuple):
    """The objects of a batch's images.

    Attributes:
        boxes: of each image, ``(G_b, 4)`` ``xyxy`` in pixels of the encoder's input; perhaps none.
        labels: of each image, ``(G_b,)`` classes from 0.
        details: of each image, where a branch learns from them: masks ``(G_b, h, w)`` over the whole image, or key
            points ``(G_b, K, 3)`` in pixels of the encoder's input.
    """

    boxes: list[Tensor]
    labels: list[Tensor]
    details: list[Tensor] | None = None


class Candidates(NamedTuple):
    """The boxes of an image before the best are chosen.

    Attributes:
        scores: ``(N, K)`` from 0 to 1.
        boxes: ``(N, 4)`` ``xyxy`` in pixels of the encoder's input, or one for each class, ``(N, K, 4)``.
    """

    scores: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class DetectorSpec:
    """What a detector's sizes follow from.

    Attributes:
        channels: of the encoder's maps, by stride in pixels, finest first.
        image_size: height and width of the encoder's input, in pixels.
        classes: ``K``, their number.
        encoder: itself, for a detector that reads pixels.
        key_points: ``K``, their number of each object.
    """

    channels: Mapping[int, int]
    image_size: tuple[int, int]
    classes: int
    encoder: Encoder | None = None
    key_points: int = 0

    def read(self, strides: Sequence[int]) -> dict[int, int]:
        """Return the channels of the maps at some strides, finest first.

        Raises:
            RecipeError: there is no map at one of them.
        """
        missing = sorted(set(strides) - set(self.channels))
        if missing or not strides:
            raise RecipeError(
                f"detection.options: expected strides of the encoder's maps, {sorted(self.channels)}, "
                f"got {list(strides)}"
            )
        return {stride: self.channels[stride] for stride in sorted(strides)}


class DetectorNetwork(nn.Module, ABC):
    """A detector on the maps of an encoder.

    Attributes:
        strides: of the encoder's maps that it reads, finest first.
        proposals_given: whether the boxes that it looks at come from selective search.
        reads_pixels: whether it reads images instead of maps, ``(B, 3, H, W)``, and encodes parts of them itself.
        finds: what it finds of each object beside its box; see :class:`~.branches.BranchedRCNN`.
    """

    strides: tuple[int, ...]
    proposals_given: ClassVar[bool] = False
    reads_pixels: ClassVar[bool] = False
    finds: ClassVar[Literal["", "masks", "key_points"]] = ""

    @abstractmethod
    def fit(self, maps: Sequence[Tensor]) -> None:
        """Measure mean and deviation on the encoder's maps ``(B, C_s, h, w)`` of some training images."""

    @abstractmethod
    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return the losses, each with the number of boxes or cells that it is a mean over.

        Args:
            maps: of the encoder, ``(B, C_s, h, w)`` per stride.
            targets: the objects.
            proposals: of each image, ``(P, 4)``, where :attr:`proposals_given`.
        """

    @abstractmethod
    def detect(self, maps: Sequence[Tensor], proposals: Sequence[Tensor] | None = None) -> list[Candidates]:
        """Return the candidates of each image, in evaluation mode; for the arguments see :meth:`losses`."""


class OneStageDetector(DetectorNetwork):
    """A detector whose candidates are as many for every image."""

    @abstractmethod
    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return scores ``(B, N, K)`` and boxes ``(B, N, 4)`` ``xyxy`` in pixels of the encoder's input."""

    def detect(self, maps: Sequence[Tensor], proposals: Sequence[Tensor] | None = None) -> list[Candidates]:
        """Return the candidates of each image."""
        return [Candidates(*each) for each in zip(*self(maps), strict=True)]


class StandardisedMaps(nn.Module):
    """The encoder's maps with each channel standardised: those of a frozen encoder have very different scales.

    Args:
        channels: of the maps, by stride, finest first.
    """

    def __init__(self, channels: Mapping[int, int]) -> None:
        super().__init__()
        self.norms = nn.ModuleList(Standardise(count) for count in channels.values())

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Measure mean and deviation on maps ``(B, C_s, h, w)`` of some training images, finest first."""
        for norm, activation in zip(self.norms, maps, strict=True):
            assert isinstance(norm, Standardise)
            norm.fit(activation.permute(0, 2, 3, 1))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Standardise maps ``(B, C_s, h, w)``, finest first."""
        return [
            norm(activation.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            for norm, activation in zip(self.norms, maps, strict=True)
        ]


def convolution(inputs: int, outputs: int, *, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the map's extent, or halves it, and ReLU."""
    layer = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2)
    nn.init.kaiming_normal_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return nn.Sequential(layer, nn.ReLU())


def no_loss(of: Tensor) -> Tensor:
    """Return 0 with a gradient of 0: what the loss is where there is nothing to learn from."""
    return torch.sum(of) * 0.0
