"""RoI head: a code per proposed box, its final objectness and its final box regression, and the boxes it learns from.

DenseCap's recognition network (Johnson et al. 2016, section 3.2.3): two fully connected layers on bilinearly sampled
cells, and two linear layers on the code. Departure: RoIAlign samples from the map whose cells fit the box's size (Lin
et al. 2017, eq. 1), and passes gradients to the map but not to the box's coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.ops import MultiScaleRoIAlign, box_iou

from seetell.config import check_parts, check_probabilities, check_sizes
from seetell.nn.box_coding import ROI_SCALES, decode_boxes, encode_boxes


class SampledRoIs(NamedTuple):
    """Proposals to learn from, of all images of a batch one after the other.

    Attributes:
        boxes: of each image, ``(N_b, 4)`` ``xyxy`` pixels.
        positive: whether a region is matched, ``(ΣN,)`` bool.
        regions: index of the matched region, ``(ΣN,)``, counted over all images; 0 where none is.
    """

    boxes: list[Tensor]
    positive: Tensor
    regions: Tensor


def match_rois(boxes: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
    """Return for boxes ``(N, 4)`` the greatest overlap with a region ``(G, 4)``, and which that is, both ``(N,)``.

    Without a region overlaps are 0, and the number is 0.
    """
    if not len(regions):
        return boxes.new_zeros(len(boxes)), torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    overlap, nearest = box_iou(regions, boxes).max(dim=0)
    return overlap, nearest


def sample_rois(
    proposals: Sequence[Tensor],
    regions: Sequence[Tensor],
    *,
    batch_size_per_image: int,
    positive_fraction: float,
    positive_iou: float,
    negative_iou: tuple[float, float] | None = None,
) -> SampledRoIs:
    """Draw positive and negative proposals at random, and match each with the region that it overlaps most.

    The regions themselves are proposals too, so that there are positive ones from the first step on.

    Args:
        proposals: of each image, ``(P, 4)``.
        regions: the ground-truth boxes of each image, ``(G, 4)``; where there is none, all proposals are negative.
        batch_size_per_image: how many are drawn per image.
        positive_fraction: largest share of them that may be positive.
        positive_iou: overlap that makes a proposal positive.
        negative_iou: overlaps from the first to below the second make it negative, others are not drawn; all those that
            are not positive when absent.
    """
    sampler = BalancedPositiveNegativeSampler(batch_size_per_image, positive_fraction)
    least, below = negative_iou or (0.0, positive_iou)
    boxes, positive, matched, before = [], [], [], 0
    for proposed, true in zip(proposals, regions, strict=True):
        candidates = torch.cat([true, proposed])
        overlap, nearest = match_rois(candidates, true)
        is_positive = overlap >= positive_iou
        ignored = (
            ~is_positive & ((overlap < least) | (overlap >= below)) if len(true) else torch.zeros_like(is_positive)
        )
        chosen_positive, chosen_negative = sampler([is_positive.long() - ignored.long()])
        kept = torch.nonzero(chosen_positive[0] | chosen_negative[0])[:, 0]
        boxes.append(candidates[kept])
        positive.append(is_positive[kept])
        matched.append((nearest[kept] + before) * is_positive[kept])
        before += len(true)
    return SampledRoIs(boxes, torch.cat(positive), torch.cat(matched))


@dataclass(frozen=True)
class RoIHeadConfig:
    """Pooling, classification and final selection of boxes; torchvision's names where it has one.

    Attributes:
        output_size: rows and columns of cells sampled per box.
        canonical_box_size: side, in pixels of the encoder's input, of the largest boxes that are pooled from the finest
            map; those of up to twice the side from the next, and so on.
        code_size: length of the code.
        dropout: probability of zeroing an element of the code in training.
        batch_size_per_image: proposals per image that the losses sample.
        positive_fraction: largest share of them that may be positive.
        positive_iou: overlap with a region that makes a proposal positive.
        nms_iou: of two final boxes that overlap by more, the one with the lower score is dropped.
        max_detections: final boxes per image.
    """

    output_size: int = 6
    canonical_box_size: int = 112
    code_size: int = 512
    dropout: float = 0.3
    batch_size_per_image: int = 32
    positive_fraction: float = 0.5
    positive_iou: float = 0.5
    nms_iou: float = 0.5
    max_detections: int = 50

    def __post_init__(self) -> None:
        check_sizes(self, "output_size", "canonical_box_size", "code_size", "batch_size_per_image", "max_detections")
        check_probabilities(self, "dropout")
        check_parts(self, "positive_fraction", "positive_iou", "nms_iou")


class RoIHead(nn.Module):
    """Code, objectness and box deltas of pooled boxes.

    Args:
        config: see :class:`RoIHeadConfig`.
        width: channels of every map.
        strides: of the maps, finest first.
        image_size: height and width of the encoder's input, in pixels.
    """

    def __init__(
        self, config: RoIHeadConfig, *, width: int, strides: Sequence[int], image_size: tuple[int, int]
    ) -> None:
        super().__init__()
        self.config, self.strides, self.image_size = config, tuple(strides), image_size
        self.align = MultiScaleRoIAlign(
            [str(stride) for stride in strides],
            output_size=config.output_size,
            sampling_ratio=2,
            canonical_scale=config.canonical_box_size,
            canonical_level=round(torch.log2(torch.tensor(float(strides[0]))).item()) + 1,
        )
        self.layers = nn.Sequential(
            nn.Linear(width * config.output_size**2, config.code_size),
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

    def pool_rois(self, maps: Sequence[Tensor], boxes: list[Tensor]) -> Tensor:
        """Pool the cells of boxes.

        Args:
            maps: ``(B, width, h, w)`` per stride, finest first.
            boxes: of each image, ``(N_b, 4)`` ``xyxy`` in pixels of the encoder's input.

        Returns:
            ``(ΣN, width, output_size, output_size)``.
        """
        named = {str(stride): activation for stride, activation in zip(self.strides, maps, strict=True)}
        cells: Tensor = self.align(named, boxes, [self.image_size] * len(boxes))
        return cells

    def forward(self, cells: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classify pooled boxes.

        Args:
            cells: ``(N, width, output_size, output_size)``.

        Returns:
            Codes ``(N, code_size)``, objectness logits ``(N,)`` and box deltas ``(N, 4)``.
        """
        code = self.dropout(self.layers(cells.flatten(1)))
        return code, self.objectness(code)[:, 0], self.correction(code)

    def encode_boxes(self, boxes: Tensor, regions: Tensor) -> Tensor:
        """Return the deltas ``(N, 4)`` that move boxes ``(N, 4)`` onto regions ``(N, 4)``."""
        return encode_boxes(boxes, regions, scales=ROI_SCALES)

    def decode_boxes(self, boxes: Tensor, deltas: Tensor) -> Tensor:
        """Move boxes ``(N, 4)`` by deltas ``(N, 4)`` and clip them to the image."""
        return decode_boxes(boxes, deltas, image_size=self.image_size, scales=ROI_SCALES)
