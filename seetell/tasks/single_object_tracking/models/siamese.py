"""What all Siamese networks share: one embedding of exemplar and search window, and a comparison of the two.

Both are windows of one size around the object, cut out of different frames. The exemplar's features are the middle
cells of its window's: they have seen what is around them, not padding, which SiamRPN++ and SiamDW found to matter.

Letters: ``B`` pairs, ``C`` channels, ``S`` pixels of a window's side, ``n`` cells of the exemplar's side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.errors import RecipeError
from seetell.nn.box_head import Loss
from seetell.nn.standardisation import Standardise

EXEMPLAR_CELLS = 9
"""Of the exemplar's side, in cells of the finest map."""


class TrackingTargets(NamedTuple):
    """What is to be found in a batch of search windows.

    Attributes:
        boxes: of the objects, ``(B, 4)`` ``xyxy`` in pixels of the search window.
        sizes: width and height of the objects in the exemplars' windows, ``(B, 2)``.
        present: whether the object is in the search window, ``(B,)`` bool; otherwise another one is.
        masks: pixels of the objects in the search windows, ``(B, S, S)`` bool, where they are known.
    """

    boxes: Tensor
    sizes: Tensor
    present: Tensor
    masks: Tensor | None = None


class SiameseNetwork(nn.Module, ABC):
    """A network that finds in one window what is in the middle of another.

    Attributes:
        strides: of the encoder's maps that it reads, finest first.
        learns_from: ``photos`` with boxes, ``outlines`` with the outlines of objects, or ``films`` without any.
        exemplar_cells: of the exemplar's side; 0 for the whole window.
    """

    strides: tuple[int, ...]
    learns_from: ClassVar[str] = "photos"
    exemplar_cells: ClassVar[int] = EXEMPLAR_CELLS
    embedding: Embedding

    @abstractmethod
    def template(self, exemplar: Tensor) -> tuple[Tensor, ...]:
        """Return what the exemplar's features ``(B, C, n, n)`` are kept as."""

    @abstractmethod
    def search(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return what a tracker reads of a search window's features ``(B, C, S / s, S / s)``; see the subclass."""

    @abstractmethod
    def losses(self, exemplar: Tensor, window: Tensor, targets: TrackingTargets) -> dict[str, Loss]:
        """Return the losses, each with the number of pairs that it is a mean over."""

    @abstractmethod
    def locate(self, exemplar: Tensor, window: Tensor, sizes: Tensor) -> Tensor:
        """Return the box of the object in each window, ``(B, 4)`` in pixels; ``sizes`` as in the targets."""


class Embedding(nn.Module):
    """Maps of the encoder, each standardised and projected, side by side on the cells of the finest.

    Args:
        maps: channels of the encoder's maps by stride, finest first.
        channels: that each is projected to.
        relu: whether negative values are cut.
    """

    def __init__(self, maps: Mapping[int, int], channels: int, *, relu: bool = False) -> None:
        super().__init__()
        self.standardise = nn.ModuleList(Standardise(inputs) for inputs in maps.values())
        self.project = nn.ModuleList(nn.Conv2d(inputs, channels, 1) for inputs in maps.values())
        self.channels, self._relu = channels * len(maps), relu

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Measure mean and deviation of maps ``(B, C_s, h, w)``."""
        for standardise, activation in zip(self.standardise, maps, strict=True):
            assert isinstance(standardise, Standardise)
            standardise.fit(activation.permute(0, 2, 3, 1))

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Return ``(B, Σ C, h, w)`` of maps ``(B, C_s, h_s, w_s)`` whose corner cells have the same centres."""
        size = maps[0].shape[2:]
        projected = []
        for standardise, project, activation in zip(self.standardise, self.project, maps, strict=True):
            standardised = standardise(activation.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            each = project(standardised)
            if each.shape[2:] != size:
                each = F.interpolate(each, size=[int(side) for side in size], mode="bilinear", align_corners=True)
            projected.append(F.relu(each) if self._relu else each)
        return torch.cat(projected, dim=1)


def middle(maps: Sequence[Tensor], strides: Sequence[int], cells: int) -> list[Tensor]:
    """Return the middle of maps ``(B, C_s, h_s, w_s)``: ``cells`` a side of the finest, all if 0; of others as much.

    Raises:
        RecipeError: the maps have no such middle.
    """
    if cells == 0:
        return list(maps)
    parts = []
    for activation, stride in zip(maps, strides, strict=True):
        side = activation.shape[2]
        wanted = (cells - 1) * strides[0] // stride + 1
        if wanted > side or (side - wanted) % 2:
            raise RecipeError(
                f"encoder.image_size: maps of stride {stride} have {side} cells a side, of which {wanted} have no "
                "middle; choose 32 n + 1 pixels, such as 257"
            )
        first = (side - wanted) // 2
        parts.append(activation[:, :, first : first + wanted, first : first + wanted])
    return parts
