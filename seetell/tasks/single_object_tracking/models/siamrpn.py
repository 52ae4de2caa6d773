"""SiamRPN: a region proposal network whose kernels are made of the exemplar.

Li, Yan, Wu, Zhu & Hu, "High Performance Visual Tracking with Siamese Region Proposal Network", CVPR 2018: anchors of
five shapes and one size at each place of the response; the exemplar's features become ``A`` kernels that say whether an
anchor is the object and ``4 A`` that say how it is to be moved and stretched, the up-channel cross-correlation.
Anchors that overlap the object by 0.6 or more are taken for it, those below 0.3 are not. Here one logit says whether an
anchor is the object, where the paper has two, and all anchors enter the loss, the object's and others with the same
weight, where the paper draws 64.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import box_iou

from seetell.config import check_positive, check_sizes
from seetell.nn.anchors import GridAnchors, anchor_boxes
from seetell.nn.box_coding import decode_boxes, encode_boxes
from seetell.nn.box_head import Loss
from seetell.tasks.single_object_tracking.models.correlation import cross_correlation
from seetell.tasks.single_object_tracking.models.siamese import Embedding, SiameseNetwork, TrackingTargets

OBJECT_IOU, BACKGROUND_IOU = 0.6, 0.3
BOX_WEIGHT = 1.2
"""Of the box loss."""

REFUSED = 0.05
"""Score below which an anchor does not enter the loss of a next stage (C-RPN)."""


@dataclass(frozen=True)
class SiamRPNConfig:
    """SiamRPN.

    Attributes:
        strides: of the encoder's maps that are compared, finest first.
        channels: that each is projected to, and of kernels.
        anchor_size: square root of an anchor's area, in pixels of the window.
        aspect_ratios: of anchors, height over width.
    """

    strides: tuple[int, ...] = (8, 16)
    channels: int = 32
    anchor_size: float = 64.0
    aspect_ratios: tuple[float, ...] = (1 / 3, 1 / 2, 1.0, 2.0, 3.0)

    def __post_init__(self) -> None:
        check_sizes(self, "channels", *(() if self.aspect_ratios else ("aspect_ratios",)))
        check_positive(self, "anchor_size")


class Stage(NamedTuple):
    """What is said of the anchors of windows.

    Attributes:
        logits: of each being the object, ``(B, N)``.
        deltas: that move it, ``(B, N, 4)``; see :mod:`seetell.nn.box_coding`.
        anchors: ``(B, N, 4)`` ``xyxy`` in pixels of the window.
    """

    logits: Tensor
    deltas: Tensor
    anchors: Tensor


class AnchoredNetwork(SiameseNetwork):
    """A network that scores and moves anchors.

    Args:
        config: of the network.
        maps: channels of the encoder's maps at its strides.
        size: pixels of a window's side.
    """

    anchors: Tensor

    def __init__(self, config: SiamRPNConfig, maps: Mapping[int, int], size: int) -> None:
        super().__init__()
        self.strides, self.size = tuple(maps), size
        self.embedding = Embedding(maps, config.channels, relu=True)
        stride = self.strides[0]
        places = (size - 1) // stride + 2 - self.exemplar_cells
        grid = GridAnchors([stride], [anchor_boxes([config.anchor_size], config.aspect_ratios)])
        shift = (self.exemplar_cells - 1) / 2 * stride + 0.5  # cells are centred in the middle of a pixel
        anchors = grid.over([torch.zeros(1, 1, places, places)]) + shift
        self.register_buffer("anchors", anchors, persistent=False)
        self.shapes = len(config.aspect_ratios)

    @abstractmethod
    def respond(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits ``(B, A, h, w)`` and deltas ``(B, 4 A, h, w)`` of the anchors at each place."""

    def cascade(self, window: Tensor, template: Sequence[Tensor]) -> list[Stage]:
        """Return what is said of the anchors of a place, which are neighbours, and of the next ones."""
        logits, deltas = self.respond(window, template)
        return [Stage(*by_anchor(logits, deltas), self.anchors.expand(window.shape[0], -1, -1))]

    def search(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return scores ``(B, N)``, the mean of all stages', and boxes ``(B, N, 4)`` of the last, in pixels."""
        stages = self.cascade(window, template)
        scores = sum((stage.logits.sigmoid() for stage in stages[1:]), stages[0].logits.sigmoid()) / len(stages)
        return scores, self.moved(stages[-1])

    def moved(self, stage: Stage) -> Tensor:
        """Return the boxes ``(B, N, 4)`` that anchors are moved to, in pixels of the window."""
        return decode_boxes(stage.anchors, stage.deltas, image_size=(self.size, self.size))

    def losses(self, exemplar: Tensor, window: Tensor, targets: TrackingTargets) -> dict[str, Loss]:
        """Return the losses of scores and boxes of each stage, of those anchors that the one before did not refuse."""
        losses: dict[str, Loss] = {}
        kept: Tensor | None = None
        for number, stage in enumerate(self.cascade(window, self.template(exemplar)), 1):
            for name, loss in anchor_losses(stage, targets, kept).items():
                losses[name if number == 1 else f"{name}_{number}"] = loss
            kept = stage.logits.detach().sigmoid() >= REFUSED
        return losses

    def locate(self, exemplar: Tensor, window: Tensor, sizes: Tensor) -> Tensor:
        """Return the box of the highest score."""
        scores, boxes = self.search(window, self.template(exemplar))[:2]
        return boxes[torch.arange(len(boxes)), scores.argmax(dim=1)]


def by_anchor(logits: Tensor, deltas: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits ``(B, N)`` and deltas ``(B, N, 4)`` of ``(B, A, h, w)`` and ``(B, 4 A, h, w)``."""
    by_place = deltas.permute(0, 2, 3, 1)
    return logits.permute(0, 2, 3, 1).flatten(1), by_place.reshape(by_place.shape[0], -1, 4)


def anchor_losses(stage: Stage, targets: TrackingTargets, kept: Tensor | None) -> dict[str, Loss]:
    """Return the logistic loss of anchors and the smooth L1 of those that are the object's.

    Args:
        stage: what is said of the anchors.
        targets: the objects.
        kept: which anchors count, ``(B, N)``; all when absent.
    """
    anchors = stage.anchors
    pairs = zip(anchors, targets.boxes, strict=True)
    overlaps = torch.stack([box_iou(boxes, box[None])[:, 0] for boxes, box in pairs])
    positive = (overlaps >= OBJECT_IOU) & targets.present[:, None]
    negative = (overlaps < BACKGROUND_IOU) | ~targets.present[:, None]
    if kept is not None:
        positive, negative = positive & kept, negative & kept
    entropy = F.binary_cross_entropy_with_logits(stage.logits, positive.float(), reduction="none")
    found, others = positive.sum().clamp(min=1), negative.sum().clamp(min=1)
    scores = ((entropy * positive).sum() / found + (entropy * negative).sum() / others) / 2
    wanted = encode_boxes(anchors, targets.boxes[:, None].expand_as(anchors))
    distance = F.smooth_l1_loss(stage.deltas, wanted, beta=1 / 9, reduction="none").sum(dim=2)
    boxes = (distance * positive).sum() / found
    return {"score": (scores, len(anchors)), "box": (BOX_WEIGHT * boxes, len(anchors))}


class SiamRPN(AnchoredNetwork):
    """The network of the paper; see :class:`AnchoredNetwork`."""

    def __init__(self, config: SiamRPNConfig, maps: Mapping[int, int], size: int) -> None:
        super().__init__(config, maps, size)
        width, inputs = config.channels, self.embedding.channels
        self.score_kernels = nn.Conv2d(inputs, self.shapes * width, 3)
        self.box_kernels = nn.Conv2d(inputs, 4 * self.shapes * width, 3)
        self.score_window, self.box_window = nn.Conv2d(inputs, width, 3), nn.Conv2d(inputs, width, 3)
        with torch.no_grad():  # as the window: what is alike responds from the first step on
            self.score_kernels.weight.copy_(self.score_window.weight.repeat(self.shapes, 1, 1, 1))
            self.box_kernels.weight.copy_(self.box_window.weight.repeat(4 * self.shapes, 1, 1, 1))
        self.box_adjust = nn.Conv2d(4 * self.shapes, 4 * self.shapes, 1)
        self.score_bias = nn.Parameter(torch.full((self.shapes, 1, 1), -2.0))

    def template(self, exemplar: Tensor) -> tuple[Tensor, Tensor]:
        """Return the kernels of scores ``(B, A, C, h, w)`` and boxes ``(B, 4 A, C, h, w)``."""
        kernels = []
        for layer, count in ((self.score_kernels, self.shapes), (self.box_kernels, 4 * self.shapes)):
            made = layer(exemplar)
            made = made.reshape(made.shape[0], count, -1, *made.shape[2:])
            kernels.append(made / (made.shape[2] * made.shape[3] * made.shape[4]) ** 0.5)
        return kernels[0], kernels[1]

    def respond(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Correlate; see :meth:`AnchoredNetwork.respond`."""
        scores = cross_correlation(self.score_window(window), template[0]) + self.score_bias
        return scores, self.box_adjust(cross_correlation(self.box_window(window), template[1]))
