"""Region proposal network over one feature map, or over those of a pyramid.

Ren et al., "Faster R-CNN", NIPS 2015, as DenseCap's localisation layer has it (Johnson, Karpathy & Fei-Fei, "DenseCap",
CVPR 2016, section 3.2.2): twelve anchors per cell, positive above 0.7 IoU, negative below 0.3. Anchors, sampling and
non-maximum suppression are torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork as TorchvisionRPN
from torchvision.models.detection.rpn import RPNHead

from seetell.config import check_parts, check_sizes
from seetell.errors import RecipeError
from seetell.nn.anchors import GridAnchors, anchor_boxes
from seetell.nn.box_coding import decode_boxes

POSITIVE_FRACTION = 0.5
"""Largest share of positive anchors among those that the losses sample."""


@dataclass(frozen=True)
class ProposalConfig:
    """Anchors, and the selection of proposals among them; torchvision's names where it has one.

    Attributes:
        stride: of the map that the anchors lie on, in pixels of the encoder's input.
        anchor_sizes: square roots of the anchors' areas, in the same pixels.
        aspect_ratios: height over width; every size comes in each.
        hidden_channels: between the map and the scores.
        batch_size_per_image: anchors per image that the losses sample; at most half of them positive.
        positive_iou: an anchor that overlaps a region by at least this much is positive; so is each region's best one.
        negative_iou: one that overlaps every region by less is background.
        nms_iou: of two proposals that overlap by more, the one with the lower score is dropped.
        pre_nms_top_n: proposals per image that enter non-maximum suppression.
        post_nms_top_n_train: proposals per image kept after it in training.
        post_nms_top_n_test: proposals per image kept after it in prediction.
    """

    stride: int = 16
    anchor_sizes: tuple[int, ...] = (32, 64, 128, 256)
    aspect_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    hidden_channels: int = 128
    batch_size_per_image: int = 128
    positive_iou: float = 0.7
    negative_iou: float = 0.3
    nms_iou: float = 0.7
    pre_nms_top_n: int = 600
    post_nms_top_n_train: int = 150
    post_nms_top_n_test: int = 100

    def __post_init__(self) -> None:
        check_sizes(
            self,
            "stride",
            "hidden_channels",
            "batch_size_per_image",
            "pre_nms_top_n",
            "post_nms_top_n_train",
            "post_nms_top_n_test",
        )
        for name in ("anchor_sizes", "aspect_ratios"):
            if not getattr(self, name) or min(getattr(self, name)) <= 0:
                raise RecipeError(f"{name}: expected positive numbers, got {list(getattr(self, name))}")
        if not 0 <= self.negative_iou <= self.positive_iou <= 1:
            raise RecipeError(
                "negative_iou: expected 0 ≤ negative_iou ≤ positive_iou ≤ 1, "
                f"got {self.negative_iou} and {self.positive_iou}"
            )
        check_parts(self, "nms_iou")


class _CountingSampler(BalancedPositiveNegativeSampler):  # type: ignore[misc]
    """Draws anchors for the losses, and remembers how many: the losses are means over them."""

    drawn = 0

    def __call__(self, labels: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        positive, negative = super().__call__(labels)
        self.drawn = sum(int(each.sum()) for each in (*positive, *negative))
        return positive, negative


class RegionProposalNetwork(nn.Module):
    """Anchors, a small network that scores and moves them, and non-maximum suppression.

    Over one map, each cell has anchors of all sizes; over the maps of a feature pyramid, those of each map have the one
    size of its place among ``anchor_sizes`` (Lin et al., "Feature Pyramid Networks", CVPR 2017, section 4.1), and the
    network is the same for all.

    Args:
        config: see :class:`ProposalConfig`.
        width: channels of the maps.
        image_size: height and width of the encoder's input, in pixels.
        strides: of the maps, finest first; ``config.stride`` alone when absent.

    Raises:
        RecipeError: there are several maps, and not as many sizes.
    """

    def __init__(
        self,
        config: ProposalConfig,
        *,
        width: int,
        image_size: tuple[int, int],
        strides: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.config, self.image_size = config, image_size
        strides = (config.stride,) if strides is None else tuple(strides)
        sizes = [config.anchor_sizes] if len(strides) == 1 else [(size,) for size in config.anchor_sizes]
        if len(sizes) != len(strides):
            raise RecipeError(
                f"anchor_sizes: expected one for each of the strides {list(strides)}, got {list(config.anchor_sizes)}"
            )
        self.anchors = GridAnchors(strides, [anchor_boxes(each, config.aspect_ratios).round() for each in sizes])
        hidden = config.hidden_channels
        self.reduce = nn.Conv2d(width, hidden, 1) if width != hidden else nn.Identity()
        head = RPNHead(hidden, self.anchors.counts[0])
        self.network = TorchvisionRPN(
            self.anchors,
            head,
            fg_iou_thresh=config.positive_iou,
            bg_iou_thresh=config.negative_iou,
            batch_size_per_image=config.batch_size_per_image,
            positive_fraction=POSITIVE_FRACTION,
            pre_nms_top_n={"training": config.pre_nms_top_n, "testing": config.pre_nms_top_n},
            post_nms_top_n={"training": config.post_nms_top_n_train, "testing": config.post_nms_top_n_test},
            nms_thresh=config.nms_iou,
        )
        self._sampler = _CountingSampler(config.batch_size_per_image, POSITIVE_FRACTION)
        self.network.fg_bg_sampler = self._sampler

    def scores(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Score and move every anchor.

        Args:
            maps: ``(B, width, h, w)`` per stride.

        Returns:
            Objectness logits ``(B, A)``, and box deltas ``(B, A, 4)``, in the order of :meth:`all_anchors`.
        """
        logits, deltas = self.network.head([self.reduce(activation) for activation in maps])
        return (
            torch.cat([each.permute(0, 2, 3, 1).flatten(1) for each in logits], dim=1),
            torch.cat([each.permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, 4)) for each in deltas], dim=1),
        )

    def all_anchors(self, maps: Sequence[Tensor]) -> Tensor:
        """Return the anchors of maps, ``(A, 4)`` ``xyxy`` in pixels, row by row of cells."""
        return self.anchors.over(maps)

    def candidates(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return all anchors moved and clipped to the image, ``(B, A, 4)``, and their logits ``(B, A)``."""
        logits, deltas = self.scores(maps)
        return decode_boxes(self.all_anchors(maps), deltas, image_size=self.image_size), logits

    def forward(
        self, maps: Sequence[Tensor], regions: Sequence[Tensor] | None = None
    ) -> tuple[list[Tensor], list[tuple[Tensor, int]]]:
        """Propose boxes.

        Args:
            maps: ``(B, width, h, w)`` per stride.
            regions: the ground-truth boxes of each image, ``(G, 4)``; needed in training.

        Returns:
            Boxes of each image, ``(N, 4)`` ``xyxy`` in pixels of the input, highest score first and without gradient;
            and in training the losses of objectness and boxes, each with the number of anchors that it is a mean over,
            otherwise none.
        """
        targets = None if regions is None else [{"boxes": boxes} for boxes in regions]
        images = ImageList(maps[0].new_empty(0), [self.image_size] * len(maps[0]))
        named = {str(number): self.reduce(activation) for number, activation in enumerate(maps)}
        boxes, losses = self.network(images, named, targets)
        return boxes, [
            (losses[name], self._sampler.drawn) for name in ("loss_objectness", "loss_rpn_box_reg") if losses
        ]
