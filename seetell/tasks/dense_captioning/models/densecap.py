"""DenseCap: boxes, and a phrase for what is in each, in one pass.

Johnson, Karpathy & Fei-Fei, "DenseCap: Fully Convolutional Localization Networks for Dense Captioning", CVPR 2016: a
localisation layer proposes boxes, a recognition network turns each into a code, and a language model reads the code as
its first word (section 3.2). Departures: a feature pyramid stands where one map of VGG-16 stood, so that a small
encoder will do; the code may be joined by what the whole photo shows, since a phrase names things by their
surroundings; any captioner may do the saying, also one that attends to the cells of the box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import nms, roi_align

from seetell.config import check_sizes
from seetell.errors import RecipeError
from seetell.nn.backbones import Features
from seetell.nn.feature_pyramid import FeaturePyramid
from seetell.nn.region_proposals import ProposalConfig, RegionProposals
from seetell.nn.roi_head import RegionConfig, RegionHead
from seetell.nn.roi_sampling import sample
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner

SHORTCUT_SAMPLES = 2
"""So many points across and down are averaged in each cell of the encoder's maps."""


@dataclass(frozen=True)
class LossWeights:
    """What each of the five losses counts; by default what it counts in DenseCap.

    Attributes:
        proposal_objectness: telling anchors over regions from others.
        proposal_box: moving those anchors onto the regions.
        objectness: telling proposals of regions from others.
        box: moving those proposals onto the regions.
        caption: surprise at a word of a region's phrase.
    """

    proposal_objectness: float = 0.1
    proposal_box: float = 0.05
    objectness: float = 0.1
    box: float = 0.1
    caption: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 0:
                raise RecipeError(f"densecap.losses.{name}: expected 0 or more, got {value}")


@dataclass(frozen=True)
class DenseCapConfig:
    """Sizes of everything but the captioner.

    Attributes:
        strides: of the encoder's maps that are read, in pixels of its input, finest first.
        width: channels of the pyramid's maps.
        shortcut: tell the captioner the encoder's maps as they are, too, at so many rows and columns of the box; 0 does
            not. The pyramid is narrow and learns to find things more than to name them: words of phrases were told
            from the maps half as well again as from the code (linear probe, mean average precision 0.27 and 0.18).
        context: tell the captioner what the whole photo shows, too.
        caption_confidence_weight: how much a region's score depends on its phrase: objectness is multiplied by the geometric mean of
            the words' probabilities to this power. DenseCap had 0, which ranks by objectness alone.
        proposals: where something may be.
        regions: what is there.
        losses: what each counts.
    """

    strides: tuple[int, ...] = (8, 16, 32)
    width: int = 96
    shortcut: int = 2
    context: bool = True
    caption_confidence_weight: float = 0.2
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    regions: RegionConfig = field(default_factory=RegionConfig)
    losses: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        if not self.strides or any(coarse != 2 * fine for fine, coarse in pairwise(self.strides)):
            raise RecipeError(f"densecap.strides: each must be twice the one before, got {list(self.strides)}")
        check_sizes(self, "width", of="densecap")
        for name in ("shortcut", "caption_confidence_weight"):
            if getattr(self, name) < 0:
                raise RecipeError(f"densecap.{name}: expected 0 or more, got {getattr(self, name)}")
        if self.proposals.stride not in self.strides:
            raise RecipeError(
                f"densecap.proposals.stride: expected one of densecap.strides {list(self.strides)}, "
                f"got {self.proposals.stride}"
            )

    @property
    def feature_size(self) -> int:
        """Length of the vectors that the captioner is told: the code and, with context, as much again."""
        return self.regions.code_size * (2 if self.context else 1)


class Detections(NamedTuple):
    """What is found in one photo, best first.

    Attributes:
        boxes: ``(N, 4)`` ``xyxy`` in pixels of the encoder's input.
        scores: of there being something, ``(N,)`` from 0 to 1.
        features: what the captioner says it from.
        proposals: ``(P, 4)``, the boxes before they were judged, best first.
    """

    boxes: Tensor
    scores: Tensor
    features: Features
    proposals: Tensor


class DenseCap(nn.Module):
    """Pyramid, proposals, region head and captioner on the maps of an encoder.

    Args:
        config: sizes.
        channels: of the encoder's maps by stride, as it publishes them.
        image_size: height and width of its input, in pixels.
        captioner: made for vectors of ``config.feature_size``.
    """

    def __init__(
        self,
        config: DenseCapConfig,
        *,
        channels: Mapping[int, int],
        image_size: tuple[int, int],
        captioner: Captioner,
    ) -> None:
        super().__init__()
        missing = [stride for stride in config.strides if stride not in channels]
        if missing:
            raise RecipeError(f"densecap.strides: the encoder has maps at strides {sorted(channels)}, not at {missing}")
        self.config = config
        read = {stride: channels[stride] for stride in config.strides}
        self.pyramid = FeaturePyramid(read, width=config.width)
        self.proposals = RegionProposals(config.proposals, width=config.width, image_size=image_size)
        self.regions = RegionHead(config.regions, width=config.width, strides=config.strides, image_size=image_size)
        self.shortcut = (
            nn.Linear(sum(read.values()) * config.shortcut**2, config.regions.code_size) if config.shortcut else None
        )
        self.context = nn.Linear(read[config.strides[-1]], config.regions.code_size) if config.context else None
        self.grid = nn.Linear(config.width, config.feature_size) if captioner.uses_grid else None
        self.captioner = captioner

    def losses(
        self,
        maps: Sequence[Tensor],
        regions: Sequence[Tensor],
        inputs: Tensor,
        targets: Tensor,
        *,
        label_smoothing: float,
    ) -> dict[str, Tensor]:
        """Return the five losses, by the names of :class:`LossWeights`, unweighted.

        Args:
            maps: of the encoder, ``(B, C_s, h, w)`` a stride.
            regions: the true boxes of each photo, ``(G_b, 4)`` ``xyxy`` in pixels of the encoder's input.
            inputs: a phrase for each region of the batch, START and words, ``(ΣG, T)``.
            targets: the same, words and END, ``IGNORE_INDEX`` in padding.
            label_smoothing: share of the target probability spread over all words.
        """
        pyramid = self.pyramid(maps)
        config = self.config.regions
        proposed, (proposal_objectness, proposal_box) = self.proposals(self.proposal_map(pyramid), regions)
        samples = sample(
            proposed,
            regions,
            samples=config.samples,
            positive_share=config.positive_share,
            positive_iou=config.positive_iou,
        )
        cells = self.regions.pool_rois(pyramid, samples.boxes)
        codes, logits, corrections = self.regions(cells)
        positive, meant = samples.positive, samples.regions[samples.positive]
        wanted = self.regions.encode_boxes(torch.cat(samples.boxes)[positive], torch.cat(list(regions))[meant])
        shown = [
            boxes[kept]
            for boxes, kept in zip(samples.boxes, torch.split(positive, list(map(len, samples.boxes))), strict=True)
        ]
        features = self._features(codes[positive], cells[positive], maps, shown)
        spoken = int((targets[meant] != IGNORE_INDEX).sum(dim=1).max())
        return {
            "proposal_objectness": proposal_objectness,
            "proposal_box": proposal_box,
            "objectness": F.binary_cross_entropy_with_logits(logits, positive.to(logits.dtype)),
            "box": F.smooth_l1_loss(corrections[positive], wanted, beta=1.0, reduction="sum") / len(logits),
            "caption": self.captioner.loss(
                features,
                inputs[meant, None, :spoken],
                targets[meant, None, :spoken],
                label_smoothing=label_smoothing,
            ),
        }

    def weighted(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Return the sum of the losses, each times what it counts."""
        return torch.stack([getattr(self.config.losses, name) * loss for name, loss in losses.items()]).sum()

    def detect(self, maps: Sequence[Tensor]) -> list[Detections]:
        """Find the regions of photos, in evaluation mode.

        Args:
            maps: of the encoder, ``(B, C_s, h, w)`` a stride.
        """
        pyramid = self.pyramid(maps)
        proposed, _ = self.proposals(self.proposal_map(pyramid))
        cells = self.regions.pool_rois(pyramid, proposed)
        codes, logits, corrections = self.regions(cells)
        found, start = [], 0
        for photo, boxes in enumerate(proposed):
            part = slice(start, start + len(boxes))
            start += len(boxes)
            scores = torch.sigmoid(logits[part])
            moved = self.regions.decode_boxes(boxes, corrections[part])
            kept = nms(moved, scores, self.config.regions.nms_iou)[: self.config.regions.max_detections]
            mine = [activation[photo : photo + 1] for activation in maps]
            features = self._features(codes[part][kept], cells[part][kept], mine, [boxes[kept]])
            found.append(Detections(moved[kept], scores[kept], features, boxes))
        return found

    def describe(self, maps: Sequence[Tensor], boxes: Sequence[Tensor]) -> Features:
        """Return what the captioner says boxes from, those of each photo ``(N_b, 4)``, in evaluation mode."""
        cells = self.regions.pool_rois(self.pyramid(maps), list(boxes))
        codes, _, _ = self.regions(cells)
        return self._features(codes, cells, maps, boxes)

    def proposal_map(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Return the map of the pyramid that proposals are made on."""
        return pyramid[self.config.strides.index(self.config.proposals.stride)]

    def global_context(self, maps: Sequence[Tensor]) -> Tensor:
        """Return what the encoder's maps tell of the whole photos, ``(B, code_size)``."""
        assert self.context is not None
        return torch.relu(self.context(self.pyramid.standardised(maps[-1].mean(dim=(2, 3)))))

    def flatten_roi_features(self, sampled: Sequence[Tensor]) -> Tensor:
        """Lay out what was sampled of the encoder's maps under ``N`` boxes, ``(N, C_s, k, k)`` a stride.

        Sampling is an average, so that channels may be standardised after it.

        Returns:
            ``(N, Σ C_s·k²)``.
        """
        standardised = self.pyramid.each_standardised(sampled)
        return torch.cat([each.flatten(1) for each in standardised], dim=1)

    def captioner_features(
        self, codes: Tensor, cells: Tensor, *, raw: Tensor | None, context: Tensor | None
    ) -> Features:
        """Put together what the captioner is told of ``N`` boxes.

        Args:
            codes: ``(N, code_size)``.
            cells: ``(N, width, cells, cells)``.
            raw: as :meth:`flatten_roi_features` gives it, where the captioner is told that.
            context: of the photo of each, ``(N, code_size)``, where the captioner is told that.
        """
        if self.shortcut is not None:
            assert raw is not None
            codes = codes + self.shortcut(raw)
        pooled = codes if context is None else torch.cat([codes, context], dim=1)
        if self.grid is None:
            return Features(pooled, None)
        return Features(pooled, self.grid(cells.flatten(2).transpose(1, 2)))  # (N, cells², D)

    def _features(self, codes: Tensor, cells: Tensor, maps: Sequence[Tensor], boxes: Sequence[Tensor]) -> Features:
        """Put together what the captioner is told of the boxes of each photo, ``(N_b, 4)``."""
        raw = context = None
        if self.shortcut is not None:
            sampled = [
                roi_align(activation, list(boxes), self.config.shortcut, 1 / stride, sampling_ratio=SHORTCUT_SAMPLES)
                for stride, activation in zip(self.config.strides, maps, strict=True)
            ]
            raw = self.flatten_roi_features(sampled)
        if self.context is not None:
            counts = torch.tensor([len(each) for each in boxes], device=codes.device)
            context = self.global_context(maps).repeat_interleave(counts, dim=0)
        return self.captioner_features(codes, cells, raw=raw, context=context)
