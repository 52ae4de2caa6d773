"""Cascade R-CNN: heads in a row, each trained on the boxes of the one before and asked for more overlap.

Cai & Vasconcelos, "Cascade R-CNN: Delving into High Quality Object Detection", CVPR 2018: three heads, for which a box
is positive from an overlap of 0.5, 0.6 and 0.7 on (section 4); the boxes that a head has moved are the next one's
proposals, in training as in prediction, so that each sees the distribution that it will meet. Boxes are moved for all
classes alike, and deltas are scaled by 1, 2 and 3, as they become smaller. The score of a box is the mean of all heads'
at the last one's boxes (section 5.2). Here on a feature pyramid, as in most of their tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.nn.box_head import BoxHead, Loss, box_losses, final_boxes
from seetell.nn.roi_head import SampledRoIs, match_rois
from seetell.nn.roi_pooling import as_rois
from seetell.tasks.detection.models.detector import DetectorSpec, Targets
from seetell.tasks.detection.models.fpn import PyramidConfig, PyramidRCNN
from seetell.tasks.detection.models.regions import matched_objects


@dataclass(frozen=True)
class CascadeConfig(PyramidConfig):
    """Sizes of a Cascade R-CNN, beside those of :class:`~.fpn.PyramidConfig`.

    Attributes:
        later_ious: overlaps that make a box positive for the heads behind the first, whose is ``sampling``'s.
        weights: of the losses of the heads, as many as there are heads.
    """

    later_ious: tuple[float, ...] = (0.6, 0.7)
    weights: tuple[float, ...] = (1.0, 0.5, 0.25)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.weights) != len(self.later_ious) + 1:
            raise RecipeError(f"weights: expected {len(self.later_ious) + 1}, one a head, got {list(self.weights)}")


class CascadeRCNN(PyramidRCNN):
    """Proposals on a feature pyramid, and heads in a row.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def _add_head(self, config: PyramidConfig, spec: DetectorSpec) -> None:
        assert isinstance(config, CascadeConfig)
        self.later_ious, self.weights = config.later_ious, config.weights
        self.heads = nn.ModuleList(
            BoxHead(
                config.width * config.cells**2,
                config.hidden,
                classes=spec.classes,
                class_agnostic=True,
                dropout=config.dropout,
            )
            for _ in config.weights
        )

    def region_losses(self, trunk: Sequence[Tensor], proposed: Sequence[Tensor], targets: Targets) -> dict[str, Loss]:
        """Return the losses of all heads; see :meth:`RegionDetector.region_losses`."""
        sampled = self.sample(proposed, targets)
        losses: dict[str, Loss] = {}
        for number, (head, weight) in enumerate(zip(self.heads, self.weights, strict=True)):
            boxes = torch.cat(sampled.boxes)
            logits, deltas = head(self.pool(trunk, as_rois(sampled.boxes)))
            labels, matched = matched_objects(sampled, targets)
            for name, (mean, count) in box_losses(logits, deltas, labels, boxes, matched, scale=number + 1).items():
                losses[f"{name}_{number + 1}"] = weight * mean, count
            if number < len(self.later_ious):
                _, moved = final_boxes(logits, deltas.detach(), boxes, image_size=self.image_size, scale=number + 1)
                counts = [len(each) for each in sampled.boxes]
                sampled = rematched(torch.split(moved, counts), targets.boxes, self.later_ious[number])
        return losses

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the first head says."""
        outputs: tuple[Tensor, Tensor] = self.heads[0](self.pool(trunk, rois))
        return outputs

    def classify(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Move boxes from head to head, and score the last ones; see :meth:`RegionDetector.classify`."""
        last = len(self.heads) - 1
        for number, head in enumerate(self.heads):
            logits, deltas = head(self.pool(trunk, rois))
            scores, boxes = final_boxes(logits, deltas, rois[:, 1:], image_size=self.image_size, scale=number + 1)
            if number < last:
                rois = torch.cat([rois[:, :1], boxes], dim=1)
        cells = self.pool(trunk, rois)
        others = [torch.softmax(head(cells)[0], dim=1)[:, 1:] for head in list(self.heads)[:last]]
        return torch.stack([*others, scores]).mean(dim=0), boxes


def rematched(boxes: Sequence[Tensor], regions: Sequence[Tensor], positive_iou: float) -> SampledRoIs:
    """Match the boxes that a head has moved, ``(N_b, 4)`` of each image, with regions ``(G_b, 4)``, all being kept.

    Boxes that were squeezed to nothing at the image's edge get a pixel, so that they can be moved again.
    """
    positive, matched, kept, before = [], [], [], 0
    for each, true in zip(boxes, regions, strict=True):
        sides = (each[:, 2:] - each[:, :2]).clamp(min=1.0)
        kept.append(torch.cat([each[:, :2], each[:, :2] + sides], dim=1))
        overlap, nearest = match_rois(kept[-1], true)
        is_positive = overlap >= positive_iou
        positive.append(is_positive)
        matched.append((nearest + before) * is_positive)
        before += len(true)
    return SampledRoIs(kept, torch.cat(positive), torch.cat(matched))
