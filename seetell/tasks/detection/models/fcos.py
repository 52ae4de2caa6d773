"""FCOS: every cell inside an object says how far its edges are.

Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection", ICCV 2019: no anchors; a cell of a feature pyramid
predicts the class of the object that it lies in, the distances ``l, t, r, b`` to its edges, and its *centre-ness*
``√(min(l, r) / max(l, r) · min(t, b) / max(t, b))`` (equation 3), by which scores are multiplied, so that cells at an
object's border count less. Which map an object is predicted from is decided by the greatest of the distances: up to 64
pixels from the finest in print, up to 128 from the next, and so on (section 3.2); of several objects a cell takes
the smallest. Cells count that are within one and a half strides of the centre (the authors' later centre sampling).
The loss is focal for classes, generalised IoU for boxes and cross-entropy for centre-ness. Departure: a score told is
the root of the product, as torchvision has it. The head is torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection.fcos import FCOSHead
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from seetell.config import check_not_negative, check_positive, check_sizes
from seetell.nn.anchors import GridAnchors
from seetell.nn.box_head import Loss
from seetell.tasks.detection.models.detector import DetectorSpec, OneStageDetector, Targets
from seetell.tasks.detection.models.retinanet import PyramidWithExtras


@dataclass(frozen=True)
class FCOSConfig:
    """Sizes of an FCOS.

    Attributes:
        strides: of the encoder's maps, in pixels of its input, each twice the one before.
        extra_maps: maps added behind the coarsest, each of half its extent.
        width: channels of the pyramid and of the head; a multiple of 32, its normalisation's groups.
        convolutions: of each of the head's two networks; four in print.
        reach: greatest distance to an edge that the finest map predicts, in its strides; the next predicts up to as
            many of its own, and so on.
        radius: cells within so many strides of an object's centre are positive.
    """

    strides: tuple[int, ...] = (8, 16, 32)
    extra_maps: int = 1
    width: int = 64
    convolutions: int = 4
    reach: float = 5.0
    radius: float = 1.5

    def __post_init__(self) -> None:
        check_sizes(self, "width", "convolutions")
        check_not_negative(self, "extra_maps")
        check_positive(self, "reach", "radius")


class FCOS(OneStageDetector):
    """torchvision's head on a feature pyramid.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: FCOSConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.config, self.image_size, self.classes = config, spec.image_size, spec.classes
        self.levels = PyramidWithExtras(spec, config.strides, width=config.width, extra_maps=config.extra_maps)
        self.strides = self.levels.read
        cells = [torch.tensor([[-stride / 2, -stride / 2, stride / 2, stride / 2]]) for stride in self.levels.strides]
        self.cells = GridAnchors(self.levels.strides, cells)
        self.head = FCOSHead(config.width, 1, spec.classes, num_convs=config.convolutions)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.levels.pyramid.fit(maps)

    def outputs(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return class logits ``(B, N, K)``, boxes ``(B, N, 4)``, centre-ness logits ``(B, N)``, cells ``(N, 4)``."""
        levels = self.levels(maps)
        outputs, cells = self.head(levels), self.cells.over(levels)
        distances = outputs["bbox_regression"] * (cells[:, 2:3] - cells[:, :1])  # in pixels
        centres = (cells[:, :2] + cells[:, 2:]) / 2
        boxes = torch.cat([centres - distances[..., :2], centres + distances[..., 2:]], dim=-1)
        return outputs["cls_logits"], boxes, outputs["bbox_ctrness"][..., 0], cells

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return scores and boxes; see :meth:`OneStageDetector.forward`."""
        logits, boxes, centreness, _ = self.outputs(maps)
        height, width = self.image_size
        clipped = torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height, width, height]))
        return (torch.sigmoid(logits) * torch.sigmoid(centreness)[..., None]).sqrt(), clipped

    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return the three losses, means over positive cells; see :meth:`DetectorNetwork.losses`."""
        logits, boxes, centreness, cells = self.outputs(maps)
        wanted = torch.zeros_like(logits)
        chosen_boxes, true_boxes, chosen_centres, true_centres = [], [], [], []
        for photo, (true, labels) in enumerate(zip(targets.boxes, targets.labels, strict=True)):
            positive, matched, centre = self.assigned(cells, true)
            wanted[photo, positive, labels[matched]] = 1.0
            chosen_boxes.append(boxes[photo, positive])
            true_boxes.append(true[matched])
            chosen_centres.append(centreness[photo, positive])
            true_centres.append(centre)
        count = max(sum(len(each) for each in true_boxes), 1)
        focal = sigmoid_focal_loss(logits, wanted, alpha=0.25, gamma=2.0, reduction="sum")
        overlap = generalized_box_iou_loss(torch.cat(chosen_boxes), torch.cat(true_boxes), reduction="sum")
        centre_loss = F.binary_cross_entropy_with_logits(
            torch.cat(chosen_centres), torch.cat(true_centres), reduction="sum"
        )
        return {
            "classification": (focal / count, count),
            "box": (overlap / count, count),
            "centreness": (centre_loss / count, count),
        }

    def assigned(self, cells: Tensor, true: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the positive cells, the object of each, and the centre-ness that each should have, all ``(P,)``.

        Args:
            cells: ``(N, 4)``, as large as the strides.
            true: boxes of the objects, ``(G, 4)``.
        """
        if not len(true):
            nothing = torch.zeros(0, dtype=torch.int64, device=cells.device)
            return nothing, nothing, cells.new_zeros(0)
        stride, centres = cells[:, 2] - cells[:, 0], (cells[:, :2] + cells[:, 2:]) / 2
        distances = torch.cat([centres[:, None] - true[:, :2], true[:, 2:] - centres[:, None]], dim=-1)  # (N, G, 4)
        farthest = distances.max(dim=-1).values
        most = self.config.reach * stride[:, None]
        first, last = stride.min(), stride.max()
        in_reach = ((farthest > most / 2) | (stride == first)[:, None]) & (
            (farthest <= most) | (stride == last)[:, None]
        )
        beside = (centres[:, None] - (true[:, :2] + true[:, 2:]) / 2).abs().max(dim=-1).values
        is_positive = (distances.min(dim=-1).values > 0) & in_reach & (beside < self.config.radius * stride[:, None])
        areas = (true[:, 2:] - true[:, :2]).prod(dim=-1).expand(len(cells), -1)
        smallest, matched = areas.masked_fill(~is_positive, float("inf")).min(dim=1)
        positive = torch.nonzero(torch.isfinite(smallest))[:, 0]
        own = distances[positive, matched[positive]]
        ratios = torch.minimum(own[:, :2], own[:, 2:]) / torch.maximum(own[:, :2], own[:, 2:])
        return positive, matched[positive], ratios.prod(dim=1).sqrt()
