"""R-FCN: a fully convolutional detector whose maps vote for the parts of a box.

Dai et al., "R-FCN: Object Detection via Region-based Fully Convolutional Networks", NIPS 2016: ``k²(K + 1)`` maps score
each class at each of ``k × k`` parts of a box, and ``4k²`` maps move it; position-sensitive RoI pooling takes each part
from its own maps (equation 1), and the parts vote by their mean, so that nothing is computed per box but means. Boxes
are moved for all classes alike. In print: ``k = 7`` (3 in the ablations), ResNet-101's last map reduced to 1,024
channels, online hard example mining: of all proposals those of the greatest loss are learnt from (Shrivastava et al.,
CVPR 2016), for which ``hard_examples`` is to be set; 128 a photo in print. Departure: ``width`` channels on a frozen
encoder.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_sizes
from seetell.nn.box_coding import ROI_SCALES, encode_boxes
from seetell.nn.box_head import Loss
from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork
from seetell.nn.roi_head import SampledRoIs
from seetell.nn.roi_pooling import PositionSensitiveRoIPool, as_rois
from seetell.tasks.detection.models.detector import DetectorSpec, StandardisedMaps, Targets, convolution
from seetell.tasks.detection.models.faster_rcnn import proposal_defaults
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig, matched_objects

EVERY = 100_000
"""More proposals than any image has."""


@dataclass(frozen=True)
class RFCNConfig:
    """Sizes of an R-FCN.

    Attributes:
        stride: of the encoder's map, in pixels of its input.
        width: channels of the map that everything is computed from.
        parts: ``k``, across and down a box.
        proposals: the region proposal network; its ``stride`` is not read.
        sampling: which proposals are learnt from.
        hard_examples: proposals per image, those of the greatest loss, that are learnt from instead of those drawn by
            ``sampling``; 0 draws them.
    """

    stride: int = 16
    width: int = 256
    parts: int = 3
    proposals: ProposalConfig = field(default_factory=proposal_defaults(32, 64, 128, 200))
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    hard_examples: int = 0

    def __post_init__(self) -> None:
        check_sizes(self, "width", "parts")
        check_not_negative(self, "hard_examples")


class RFCN(RegionDetector):
    """Proposals, score maps and box maps, and votes.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: RFCNConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.image_size, self.sampling, self.strides = spec.image_size, config.sampling, (config.stride,)
        self.hard_examples = config.hard_examples
        channels = spec.read(self.strides)
        self.norm = StandardisedMaps(channels)
        self.reduce = convolution(channels[config.stride], config.width)
        self.proposals = RegionProposalNetwork(
            config.proposals, width=config.width, image_size=spec.image_size, strides=self.strides
        )
        self.score_maps = nn.Conv2d(config.width, config.parts**2 * (spec.classes + 1), 1)
        self.box_maps = nn.Conv2d(config.width, config.parts**2 * 4, 1)
        for layer in (self.score_maps, self.box_maps):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        self.pool = PositionSensitiveRoIPool(config.parts, config.stride)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.norm.fit(maps)

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the map that proposals are made on, score maps ``(B, k²(K + 1), h, w)`` and box maps."""
        reduced = self.reduce(self.norm(maps)[0])
        return [reduced, self.score_maps(reduced), self.box_maps(reduced)]

    def proposal_maps(self, trunk: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the first map."""
        return trunk[:1]

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Let the parts vote; see :meth:`RegionDetector.head_outputs`."""
        logits, deltas = (self.pool(each, rois).mean(dim=(2, 3)) for each in trunk[1:])
        return logits, deltas[:, None]

    def region_losses(self, trunk: Sequence[Tensor], proposed: Sequence[Tensor], targets: Targets) -> dict[str, Loss]:
        """Return the losses of sampled proposals, or of the hardest; see :meth:`RegionDetector.region_losses`."""
        if not self.hard_examples:
            return super().region_losses(trunk, proposed, targets)
        rules = dataclasses.replace(self.sampling, batch_size_per_image=EVERY, positive_fraction=1.0)
        sampled = self.sample(proposed, targets, rules)
        with torch.no_grad():
            logits, deltas = self.head_outputs(trunk, as_rois(sampled.boxes))
            labels, matched = matched_objects(sampled, targets)
            losses = losses_of_each(logits, deltas, labels, torch.cat(sampled.boxes), matched)
        chosen, before = [], 0
        for of_image in torch.split(losses, [len(boxes) for boxes in sampled.boxes]):
            chosen.append(before + of_image.topk(min(self.hard_examples, len(of_image))).indices)
            before += len(of_image)
        rows = torch.cat(chosen)
        boxes = torch.split(torch.cat(sampled.boxes)[rows], [len(each) for each in chosen])
        return self.box_losses(trunk, SampledRoIs([*boxes], sampled.positive[rows], sampled.regions[rows]), targets)


def losses_of_each(logits: Tensor, deltas: Tensor, labels: Tensor, boxes: Tensor, matched: Tensor) -> Tensor:
    """Return the loss of each proposal, of its class and, of one that has an object, of its box, ``(N,)``.

    Args:
        logits: ``(N, K + 1)``.
        deltas: ``(N, 1, 4)``.
        labels: ``(N,)``, 0 for the background.
        boxes: ``(N, 4)``.
        matched: the boxes of their objects, ``(N, 4)``.
    """
    wanted = encode_boxes(boxes, matched, scales=ROI_SCALES)
    moved = F.smooth_l1_loss(deltas[:, 0], wanted, reduction="none").sum(dim=1)
    return F.cross_entropy(logits, labels, reduction="none") + torch.where(labels > 0, moved, 0.0)
