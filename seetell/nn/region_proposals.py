"""Where something may be: a region proposal network over one map.

Ren et al., "Faster R-CNN", NIPS 2015, as DenseCap's localisation layer has it (Johnson, Karpathy & Fei-Fei, "DenseCap",
CVPR 2016, section 3.2.2): twelve anchors a cell, positive above 0.7 IoU, negative below 0.3. Anchors, sampling and
suppression are torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead

from seetell.config import check_sizes
from seetell.errors import RecipeError


@dataclass(frozen=True)
class ProposalConfig:
    """Anchors, and how many proposals are made of them.

    Attributes:
        stride: of the map they are laid on, in pixels of the encoder's input.
        sides: the square roots of the anchors' areas, in the same pixels.
        ratios: height over width; every side comes in each.
        hidden: channels between the map and the scores.
        samples: anchors a photo that the losses look at; at most half of them positive.
        positive_iou: an anchor that overlaps a region so much should find it; so should each region's best anchor.
        negative_iou: one that overlaps every region less is background.
        nms_iou: of two proposals that overlap more, the better stays.
        pre_nms_top_n: proposals a photo that are compared so.
        post_nms_top_n_train: how many of the rest go on while training.
        post_nms_top_n_test: how many at prediction.
    """

    stride: int = 16
    sides: tuple[int, ...] = (32, 64, 128, 256)
    ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    hidden: int = 128
    samples: int = 128
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
            "hidden",
            "samples",
            "pre_nms_top_n",
            "post_nms_top_n_train",
            "post_nms_top_n_test",
            of="proposals",
        )
        for name in ("sides", "ratios"):
            if not getattr(self, name) or min(getattr(self, name)) <= 0:
                raise RecipeError(f"proposals.{name}: expected positive numbers, got {list(getattr(self, name))}")
        if not 0 <= self.negative_iou <= self.positive_iou <= 1:
            raise RecipeError(
                "proposals.negative_iou: expected 0 ≤ negative_iou ≤ positive_iou ≤ 1, "
                f"got {self.negative_iou} and {self.positive_iou}"
            )
        if not 0 < self.nms_iou <= 1:
            raise RecipeError(f"proposals.nms_iou: expected a share, got {self.nms_iou}")


class RegionProposals(nn.Module):
    """Anchors, a small network that scores and moves them, and suppression.

    Args:
        config: see :class:`ProposalConfig`.
        width: channels of the map.
        image_size: height and width of the encoder's input, in pixels.
    """

    def __init__(self, config: ProposalConfig, *, width: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        self.config, self.image_size = config, image_size
        self.anchors = AnchorGenerator((config.sides,), (config.ratios,))
        self.reduce = nn.Conv2d(width, config.hidden, 1) if width != config.hidden else nn.Identity()
        head = RPNHead(config.hidden, len(config.sides) * len(config.ratios))
        self.network = RegionProposalNetwork(
            self.anchors,
            head,
            fg_iou_thresh=config.positive_iou,
            bg_iou_thresh=config.negative_iou,
            batch_size_per_image=config.samples,
            positive_fraction=0.5,
            pre_nms_top_n={"training": config.pre_nms_top_n, "testing": config.pre_nms_top_n},
            post_nms_top_n={"training": config.post_nms_top_n_train, "testing": config.post_nms_top_n_test},
            nms_thresh=config.nms_iou,
        )

    def scores(self, activation: Tensor) -> tuple[Tensor, Tensor]:
        """Score and move every anchor.

        Args:
            activation: the map, ``(B, width, h, w)``.

        Returns:
            Logits ``(B, A, h, w)`` of there being something, and the moves ``(B, 4·A, h, w)``, four an anchor.
        """
        logits, deltas = self.network.head([self.reduce(activation)])
        return logits[0], deltas[0]

    def all_anchors(self, activation: Tensor) -> Tensor:
        """Return the anchors over a map, ``(h·w·A, 4)`` ``xyxy`` in pixels, row by row of cells."""
        anchors: Tensor = self.anchors(self._images(activation), [activation])[0]
        return anchors

    def forward(self, activation: Tensor, regions: Sequence[Tensor] | None = None) -> tuple[list[Tensor], list[Tensor]]:
        """Propose boxes.

        Args:
            activation: the map, ``(B, width, h, w)``.
            regions: the true boxes of each photo, ``(G, 4)``; wanted while training.

        Returns:
            Boxes of each photo, ``(N, 4)`` ``xyxy`` in pixels of the input, best first and without gradient; while
            training the losses of objectness and boxes, otherwise none.
        """
        targets = None if regions is None else [{"boxes": boxes} for boxes in regions]
        boxes, losses = self.network(self._images(activation), {"map": self.reduce(activation)}, targets)
        return boxes, [losses["loss_objectness"], losses["loss_rpn_box_reg"]] if losses else []

    def _images(self, activation: Tensor) -> ImageList:
        """Return photos without content, as far as the map's cells reach: torchvision asks them for the stride."""
        count, _, rows, columns = activation.shape
        stride = self.config.stride
        return ImageList(activation.new_empty((count, 0, rows * stride, columns * stride)), [self.image_size] * count)
