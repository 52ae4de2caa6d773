"""R-CNN: every proposal is cut out, warped and goes through the network by itself.

Girshick et al., "Rich Feature Hierarchies for Accurate Object Detection and Semantic Segmentation", CVPR 2014: each box
of selective search, with 16 of 227 pixels of its surroundings on each side (appendix A), is warped to the network's
input, whatever its shape; its features are read by one linear SVM a class and one linear box regression a class. For
the SVMs the objects themselves are positive and proposals that overlap none of the class by 0.3 or more are negative,
of which the hardest count (section 2.3); the regression learns from proposals that overlap an object by 0.6 or more
(appendix C). In print 2,000 proposals took 47 seconds with VGG-16 on a GPU. Departures: features are those of an
encoder as it is, the vector that it pools, standardised; hard negatives are mined among each step's proposals, and SVMs
and regression are trained together, by gradient steps on the squared hinge and the squared error; a score told is the
logistic function of twice the SVM's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

from seetell.config import check_not_negative, check_sizes
from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder
from seetell.nn.box_coding import ROI_SCALES, decode_boxes, encode_boxes
from seetell.nn.box_head import Loss
from seetell.nn.roi_head import SampledRoIs, match_rois
from seetell.nn.roi_pooling import as_rois
from seetell.nn.standardisation import Standardise
from seetell.tasks.detection.models.detector import DetectorSpec, Targets, no_loss
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig, matched_objects

TRUE_IOU = 0.99
"""Overlap by which a proposal is the object itself."""

CROPS = 64
"""That go through the encoder at once."""


@dataclass(frozen=True)
class RCNNConfig:
    """Sizes of an R-CNN.

    Attributes:
        side: pixels of a warped box each way.
        context: share of it that shows the surroundings, on each side.
        hard_negatives: of each class and step, those of highest score, that its SVM learns from.
        weight_decay: of the SVMs' weights, half the sum of squares; their inverse ``C``.
        sampling: which proposals are cut out.
    """

    side: int = 96
    context: float = 16 / 227
    hard_negatives: int = 48
    weight_decay: float = 1e-4
    sampling: SamplingConfig = field(
        default_factory=lambda: SamplingConfig(batch_size_per_image=24, positive_iou=0.6, negative_iou=(0.0, 0.3))
    )

    def __post_init__(self) -> None:
        check_sizes(self, "side", "hard_negatives")
        check_not_negative(self, "weight_decay")
        if not 0 <= self.context < 0.5:
            raise RecipeError(f"context: expected a share from 0 to below 0.5, got {self.context}")


class RCNN(RegionDetector):
    """Linear SVMs and box regressions on the features of warped boxes.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    reads_pixels = True
    proposals_given = True

    def __init__(self, config: RCNNConfig, spec: DetectorSpec) -> None:
        super().__init__()
        assert spec.encoder is not None
        self.proposals, self.strides = None, ()
        self.image_size, self.sampling, self.config = spec.image_size, config.sampling, config
        self._encoder = (spec.encoder,)  # which is not this module's part
        width = spec.encoder.channels
        self.norm = Standardise(width)
        self.svms = nn.Linear(width, spec.classes)
        self.regressions = nn.Linear(width, 4 * spec.classes)
        for layer in (self.svms, self.regressions):
            nn.init.normal_(layer.weight, std=0.001)
        nn.init.constant_(self.svms.bias, -1.0)
        nn.init.zeros_(self.regressions.bias)

    @property
    def encoder(self) -> Encoder:
        """The encoder, whose weights are kept beside."""
        return self._encoder[0]

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation to quarters of some training images."""
        height, width = self.image_size
        quarters = maps[0].new_tensor(
            [[x, y, x + width / 2, y + height / 2] for y in (0, height / 2) for x in (0, width / 2)]
        )
        self.norm.fit(self._encoded(maps[0], as_rois([quarters] * len(maps[0]))))

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the images: nothing is shared."""
        return list(maps)

    def warped(self, images: Tensor, rois: Tensor) -> Tensor:
        """Cut out boxes with their surroundings, and warp each to ``(N, 3, side, side)``; beyond the image is 0."""
        around = self.config.context / (1 - 2 * self.config.context)
        more = (rois[:, 3:] - rois[:, 1:3]) * around
        wider = torch.cat([rois[:, :1], rois[:, 1:3] - more, rois[:, 3:] + more], dim=1)
        crops: Tensor = roi_align(images, wider, self.config.side, 1.0, sampling_ratio=2, aligned=True)
        return crops

    def _encoded(self, images: Tensor, rois: Tensor) -> Tensor:
        """Return the encoder's pooled vectors of boxes, ``(N, D)``."""
        with torch.no_grad():
            if torch.compiler.is_exporting():
                return self.encoder(self.warped(images, rois)).pooled  # type: ignore[no-any-return]
            crops = (self.warped(images, part) for part in torch.split(rois, CROPS))
            parts = [self.encoder(each.contiguous(memory_format=torch.channels_last)).pooled for each in crops]
        return torch.cat(parts)

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return the SVMs' scores ``(N, K)`` and deltas ``(N, K, 4)``."""
        features = self.norm(self._encoded(trunk[0], rois))
        return self.svms(features), self.regressions(features).unflatten(1, (-1, 4))

    def box_losses(self, trunk: Sequence[Tensor], sampled: SampledRoIs, targets: Targets) -> dict[str, Loss]:
        """Return the SVMs' loss with hard negatives, and that of the regressions."""
        boxes = torch.cat(sampled.boxes)
        scores, deltas = self.head_outputs(trunk, as_rois(sampled.boxes))
        labels, matched = matched_objects(sampled, targets)
        overlap = torch.cat([match_rois(own, true)[0] for own, true in zip(sampled.boxes, targets.boxes, strict=True)])
        hinge = mined_hinge(scores, labels, is_object=overlap >= TRUE_IOU, hardest=self.config.hard_negatives)
        decay = self.config.weight_decay / 2 * self.svms.weight.square().sum()
        near = torch.nonzero(labels > 0)[:, 0]
        wanted = encode_boxes(boxes[near], matched[near], scales=ROI_SCALES)
        error = (deltas[near, labels[near] - 1] - wanted).square().sum() if len(near) else no_loss(deltas)
        return {"svm": (hinge + decay, max(len(labels), 1)), "box": (error / max(len(near), 1), max(len(near), 1))}

    def classify(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores and a box for each class; see :meth:`RegionDetector.classify`."""
        scores, deltas = self.head_outputs(trunk, rois)
        moved = decode_boxes(rois[:, None, 1:], deltas, image_size=self.image_size, scales=ROI_SCALES)
        return torch.sigmoid(2 * scores), moved


def mined_hinge(scores: Tensor, labels: Tensor, *, is_object: Tensor, hardest: int) -> Tensor:
    """Return the squared hinge of the SVMs on objects and on their hardest negatives, a mean for each class, summed.

    Proposals near an object that are not the object itself teach its class's SVM nothing.

    Args:
        scores: ``(N, K)``.
        labels: ``(N,)``, 0 for the background.
        is_object: whether a proposal is the object itself, ``(N,)``.
        hardest: negatives of each class that count.
    """
    numbers = torch.arange(1, scores.shape[1] + 1, device=scores.device)
    of_class = labels[:, None] == numbers
    positive = of_class & is_object[:, None]
    violation = (1 + scores).clamp(min=0).square().masked_fill(of_class, 0.0)
    hard = violation.topk(min(hardest, len(scores)), dim=0).values
    pulled = ((1 - scores).clamp(min=0).square() * positive).sum(dim=0)
    return ((pulled + hard.sum(dim=0)) / (positive.sum(dim=0) + len(hard))).sum()
