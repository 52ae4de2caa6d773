"""What is in a proposed box: a code for the captioner, a last objectness and a last correction of the box.

DenseCap's recognition network (Johnson et al. 2016, section 3.2.3): two fully connected layers on bilinearly sampled
cells, and two linear layers on the code. Departure: RoIAlign samples from the map whose cells fit the box's size (Lin
et al. 2017, eq. 1), and passes gradients to the map but not to the box's coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import MultiScaleRoIAlign, clip_boxes_to_image

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError

DELTA_SCALES = (10.0, 10.0, 5.0, 5.0)
"""By how much corrections are multiplied, so that they vary about as much as objectness does (Fast R-CNN)."""


@dataclass(frozen=True)
class RegionConfig:
    """How boxes are looked at.

    Attributes:
        cells: each box is sampled at so many rows and columns.
        canonical_box_size: side of the largest boxes, in pixels of the encoder's input, that are looked at in the finest map;
            those of up to twice the side in the next, and so on.
        code_size: length of the code.
        dropout: probability of zeroing an element of the code while training.
        samples: proposals a photo that the losses look at.
        positive_share: at most so many of them positive.
        positive_iou: overlap with a region that makes a proposal positive.
        nms_iou: of two final boxes that overlap more, the better stays.
        max_detections: final boxes a photo.
    """

    cells: int = 6
    canonical_box_size: int = 112
    code_size: int = 512
    dropout: float = 0.3
    samples: int = 32
    positive_share: float = 0.5
    positive_iou: float = 0.5
    nms_iou: float = 0.5
    max_detections: int = 50

    def __post_init__(self) -> None:
        check_sizes(self, "cells", "canonical_box_size", "code_size", "samples", "max_detections", of="regions")
        check_probabilities(self, "dropout", of="regions")
        for name in ("positive_share", "positive_iou", "nms_iou"):
            if not 0 < getattr(self, name) <= 1:
                raise RecipeError(f"regions.{name}: expected a share, got {getattr(self, name)}")


class RegionHead(nn.Module):
    """Cells, code, objectness and correction of boxes.

    Args:
        config: see :class:`RegionConfig`.
        width: channels of every map.
        strides: of the maps, finest first.
        image_size: height and width of the encoder's input, in pixels.
    """

    def __init__(
        self, config: RegionConfig, *, width: int, strides: Sequence[int], image_size: tuple[int, int]
    ) -> None:
        super().__init__()
        self.config, self.strides, self.image_size = config, tuple(strides), image_size
        self.align = MultiScaleRoIAlign(
            [str(stride) for stride in strides],
            output_size=config.cells,
            sampling_ratio=2,
            canonical_scale=config.canonical_box_size,
            canonical_level=round(torch.log2(torch.tensor(float(strides[0]))).item()) + 1,
        )
        self.layers = nn.Sequential(
            nn.Linear(width * config.cells**2, config.code_size),
            nn.ReLU(),
            nn.Linear(config.code_size, config.code_size),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(config.dropout)
        self.objectness = nn.Linear(config.code_size, 1)
        self.correction = nn.Linear(config.code_size, 4)
        for layer in (self.objectness, self.correction):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        self.coder = BoxCoder(DELTA_SCALES)

    def pool_rois(self, maps: Sequence[Tensor], boxes: list[Tensor]) -> Tensor:
        """Sample maps ``(B, width, h, w)`` under each photo's boxes ``(N_b, 4)``: ``(ΣN, width, cells, cells)``."""
        named = {str(stride): activation for stride, activation in zip(self.strides, maps, strict=True)}
        cells: Tensor = self.align(named, boxes, [self.image_size] * len(boxes))
        return cells

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Judge sampled boxes.

        Args:
            cells: ``(N, width, cells, cells)``.

        Returns:
            Codes ``(N, code_size)``, logits ``(N,)`` of objectness and corrections ``(N, 4)``.
        """
        code = self.dropout(self.layers(cells.flatten(1)))
        return code, self.objectness(code)[:, 0], self.correction(code)

    def encode_boxes(self, boxes: Tensor, regions: Tensor) -> Tensor:
        """Return what would move boxes ``(N, 4)`` onto regions ``(N, 4)``."""
        corrections: Tensor = self.coder.encode_single(regions, boxes)
        return corrections

    def decode_boxes(self, boxes: Tensor, corrections: Tensor) -> Tensor:
        """Move boxes ``(N, 4)``; what lies outside the photo is cut off."""
        moved = self.coder.decode_single(corrections, boxes)
        return clip_boxes_to_image(moved, self.image_size)  # type: ignore[no-any-return]
