"""Detectors in two stages: proposals, their own or given ones, and a head that classifies and moves each.

A detector of this kind computes a *trunk*, what all boxes of an image share, once: maps from which the proposal network
reads, and from which the head pools. The losses are the four of Faster R-CNN (Ren et al., NIPS 2015, section 3.2):
objectness and boxes of anchors, classes and boxes of proposals.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.ops import nms

from seetell.config import check_parts, check_sizes
from seetell.errors import RecipeError
from seetell.nn.box_head import Loss, box_losses, final_boxes
from seetell.nn.region_proposals import RegionProposalNetwork
from seetell.nn.roi_head import SampledRoIs, sample_rois
from seetell.nn.roi_pooling import as_rois
from seetell.tasks.detection.models.detector import Candidates, DetectorNetwork, Targets


@dataclass(frozen=True)
class SamplingConfig:
    """Which proposals the head learns from; Fast R-CNN's numbers (Girshick 2015, section 2.3) but for their count.

    Attributes:
        batch_size_per_image: proposals per image that the losses sample; 64 of each of two images in print.
        positive_fraction: largest share of them that may be positive.
        positive_iou: overlap with an object that makes a proposal positive.
        negative_iou: the least overlap with an object of one that is background, and that which it stays below.
    """

    batch_size_per_image: int = 64
    positive_fraction: float = 0.25
    positive_iou: float = 0.5
    negative_iou: tuple[float, float] = (0.0, 0.5)

    def __post_init__(self) -> None:
        check_sizes(self, "batch_size_per_image")
        check_parts(self, "positive_fraction", "positive_iou")
        if not 0 <= self.negative_iou[0] < self.negative_iou[1] <= self.positive_iou:
            raise RecipeError(
                "negative_iou: expected two overlaps from 0 to positive_iou, the least first, got "
                f"{list(self.negative_iou)}"
            )


class RegionDetector(DetectorNetwork):
    """A detector that looks closer at proposals.

    A subclass defines :meth:`trunk` and :meth:`head_outputs`, or overrides :meth:`region_losses` and :meth:`classify`.

    Attributes:
        image_size: height and width of the encoder's input, in pixels.
        sampling: what the head learns from.
        proposals: proposes boxes; ``None`` where they are given.
    """

    image_size: tuple[int, int]
    sampling: SamplingConfig
    proposals: RegionProposalNetwork | None

    @abstractmethod
    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return what all boxes share, maps ``(B, C, h, w)``, of the encoder's maps."""

    def proposal_maps(self, trunk: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the maps of the trunk that the proposal network reads; by default all."""
        return trunk

    @abstractmethod
    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return class logits ``(N, K + 1)`` and deltas ``(N, K or 1, 4)`` of RoIs ``(N, 5)``."""

    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return the losses; see :meth:`DetectorNetwork.losses`."""
        trunk = self.trunk(maps)
        if self.proposals is None:
            assert proposals is not None
            return self.region_losses(trunk, proposals, targets)
        proposed, (objectness, box) = self.proposals(self.proposal_maps(trunk), targets.boxes)
        return {
            "proposal_objectness": objectness,
            "proposal_box": box,
            **self.region_losses(trunk, proposed, targets),
        }

    def sample(self, proposed: Sequence[Tensor], targets: Targets, rules: SamplingConfig | None = None) -> SampledRoIs:
        """Draw the proposals that the head learns from, by its own rules when others are absent."""
        config = rules or self.sampling
        return sample_rois(
            proposed,
            targets.boxes,
            batch_size_per_image=config.batch_size_per_image,
            positive_fraction=config.positive_fraction,
            positive_iou=config.positive_iou,
            negative_iou=config.negative_iou,
        )

    def region_losses(self, trunk: Sequence[Tensor], proposed: Sequence[Tensor], targets: Targets) -> dict[str, Loss]:
        """Return the losses of the head.

        Args:
            trunk: see :meth:`trunk`.
            proposed: boxes of each image, ``(P, 4)``.
            targets: the objects.
        """
        return self.box_losses(trunk, self.sample(proposed, targets), targets)

    def box_losses(self, trunk: Sequence[Tensor], sampled: SampledRoIs, targets: Targets) -> dict[str, Loss]:
        """Return the losses of classes and boxes of sampled proposals."""
        logits, deltas = self.head_outputs(trunk, as_rois(sampled.boxes))
        labels, matched = matched_objects(sampled, targets)
        return box_losses(logits, deltas, labels, torch.cat(sampled.boxes), matched)

    def classify(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores ``(N, K)`` and boxes ``(N, 4)`` or ``(N, K, 4)`` of RoIs ``(N, 5)``."""
        logits, deltas = self.head_outputs(trunk, rois)
        return final_boxes(logits, deltas, rois[:, 1:], image_size=self.image_size)

    def propose(self, trunk: Sequence[Tensor]) -> list[Tensor]:
        """Return the proposals of each image, ``(P, 4)``, highest score first, in evaluation mode."""
        assert self.proposals is not None
        config = self.proposals.config
        chosen = []
        for boxes, logits in zip(*self.proposals.candidates(self.proposal_maps(trunk)), strict=True):
            best = torch.argsort(logits, descending=True, stable=True)[: config.pre_nms_top_n]
            best = best[(boxes[best, 2:] > boxes[best, :2]).all(dim=1)]
            kept = nms(boxes[best], logits[best], config.nms_iou)[: config.post_nms_top_n_test]
            chosen.append(boxes[best[kept]])
        return chosen

    def detect(self, maps: Sequence[Tensor], proposals: Sequence[Tensor] | None = None) -> list[Candidates]:
        """Return the candidates of each image; see :meth:`DetectorNetwork.detect`."""
        trunk = self.trunk(maps)
        proposed = self.propose(trunk) if proposals is None else list(proposals)
        scores, boxes = self.classify(trunk, as_rois(proposed))
        counts = [len(each) for each in proposed]
        return [Candidates(*each) for each in zip(torch.split(scores, counts), torch.split(boxes, counts), strict=True)]


def matched_objects(sampled: SampledRoIs, targets: Targets) -> tuple[Tensor, Tensor]:
    """Return of sampled proposals the labels ``(N,)``, 0 for the background, and the objects' boxes ``(N, 4)``.

    Boxes of those that are background mean nothing.
    """
    boxes, labels = torch.cat(targets.boxes), torch.cat(targets.labels)
    if not len(labels):
        return torch.zeros_like(sampled.regions), torch.cat(sampled.boxes)
    return (labels[sampled.regions] + 1) * sampled.positive, boxes[sampled.regions]
