"""DenseCap: boxes, and a phrase for each, in one pass.

Johnson, Karpathy & Fei-Fei, "DenseCap: Fully Convolutional Localization Networks for Dense Captioning", CVPR 2016: a
localisation layer proposes boxes, a recognition network turns each into a code, and a language model reads the code as
its first word (section 3.2). Departures: a feature pyramid replaces the one map of VGG-16, so that a small encoder is
enough; the code may be concatenated with the whole image's features, since phrases name things by their surroundings;
any captioner may generate the phrases, also one that attends to the cells of the box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import nms, roi_align

from seetell.config import check_not_negative, check_sizes
from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, Features
from seetell.nn.feature_pyramid import FeaturePyramid
from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork
from seetell.nn.roi_head import RoIHead, RoIHeadConfig, sample_rois
from seetell.tasks.captioning.models import create_captioner
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

SHORTCUT_SAMPLES = 2
"""Points across and down that are averaged in each cell of the encoder's maps."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the five losses; by default those of DenseCap.

    Attributes:
        proposal_objectness: classification of anchors as positive or negative.
        proposal_box: box regression of positive anchors.
        objectness: classification of proposals as positive or negative.
        box: box regression of positive proposals.
        caption: cross-entropy per word of the regions' phrases.
    """

    proposal_objectness: float = 0.1
    proposal_box: float = 0.05
    objectness: float = 0.1
    box: float = 0.1
    caption: float = 1.0

    def __post_init__(self) -> None:
        check_not_negative(self, *vars(self))


@dataclass(frozen=True)
class DenseCapConfig:
    """Sizes of everything but the captioner.

    Attributes:
        strides: of the encoder's maps that are read, in pixels of its input, finest first.
        width: channels of the pyramid's maps.
        shortcut: rows and columns at which the encoder's own maps are pooled in each box and added to the captioner's
            input; 0 for none. The pyramid is narrow and learns to locate more than to name: a linear probe predicts
            words of phrases from the maps with mean average precision 0.27, from the code with 0.18.
        context: give the captioner the whole image's features too.
        caption_confidence_weight: how much a region's score depends on its phrase: objectness is multiplied by the
            geometric mean of the words' probabilities to this power. DenseCap had 0, which ranks by objectness alone.
        proposals: the region proposal network.
        roi_head: pooling, classification and final selection of boxes.
        losses: weights of the losses.
    """

    strides: tuple[int, ...] = (8, 16, 32)
    width: int = 96
    shortcut: int = 2
    context: bool = True
    caption_confidence_weight: float = 0.2
    proposals: ProposalConfig = field(default_factory=ProposalConfig)
    roi_head: RoIHeadConfig = field(default_factory=RoIHeadConfig)
    losses: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        if not self.strides or any(coarse != 2 * fine for fine, coarse in pairwise(self.strides)):
            raise RecipeError(f"strides: each must be twice the one before, got {list(self.strides)}")
        check_sizes(self, "width")
        check_not_negative(self, "shortcut", "caption_confidence_weight")
        if self.proposals.stride not in self.strides:
            raise RecipeError(
                f"proposals.stride: expected one of strides {list(self.strides)}, got {self.proposals.stride}"
            )

    @property
    def feature_size(self) -> int:
        """Length of the captioner's input vectors: the code and, with context, as much again."""
        return self.roi_head.code_size * (2 if self.context else 1)


class Detections(NamedTuple):
    """The regions found in one image, highest score first.

    Attributes:
        boxes: ``(N, 4)`` ``xyxy`` in pixels of the encoder's input.
        scores: objectness, ``(N,)`` from 0 to 1.
        features: the captioner's input for each.
        proposals: ``(P, 4)``, the boxes of the proposal network, highest score first.
    """

    boxes: Tensor
    scores: Tensor
    features: Features
    proposals: Tensor


class DenseCap(nn.Module):
    """Feature pyramid, region proposal network, RoI head and captioner on the maps of an encoder.

    Args:
        config: sizes.
        channels: of the encoder's maps by stride, as it publishes them.
        image_size: height and width of its input, in pixels.
        captioner: whose features have the length ``config.feature_size``.
    """

    def __init__(
        self, config: DenseCapConfig, *, channels: Mapping[int, int], image_size: tuple[int, int], captioner: Captioner
    ) -> None:
        super().__init__()
        missing = [stride for stride in config.strides if stride not in channels]
        if missing:
            raise RecipeError(
                f"dense_captioning.densecap.strides: the encoder has maps at strides {sorted(channels)}, not {missing}"
            )
        self.config = config
        read = {stride: channels[stride] for stride in config.strides}
        self.pyramid = FeaturePyramid(read, width=config.width)
        self.proposals = RegionProposalNetwork(config.proposals, width=config.width, image_size=image_size)
        self.regions = RoIHead(config.roi_head, width=config.width, strides=config.strides, image_size=image_size)
        code_size = config.roi_head.code_size
        self.shortcut = nn.Linear(sum(read.values()) * config.shortcut**2, code_size) if config.shortcut else None
        self.context = nn.Linear(read[config.strides[-1]], code_size) if config.context else None
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
    ) -> dict[str, tuple[Tensor, int]]:
        """Return the five losses, by the names of :class:`LossWeights`, unweighted, with what each is a mean over.

        Args:
            maps: of the encoder, ``(B, C_s, h, w)`` per stride.
            regions: the ground-truth boxes of each image, ``(G_b, 4)`` ``xyxy`` in pixels of the encoder's input.
            inputs: one phrase per region of the batch, START and words, ``(ΣG, T)``.
            targets: the same phrases, words and END, ``IGNORE_INDEX`` in padding.
            label_smoothing: share of the target probability spread over all words.

        Returns:
            Each loss, and the number of anchors, of boxes or of words whose mean it is.
        """
        pyramid = self.pyramid(maps)
        config = self.config.roi_head
        proposed, (proposal_objectness, proposal_box) = self.proposals([self.proposal_map(pyramid)], regions)
        sampled = sample_rois(
            proposed,
            regions,
            batch_size_per_image=config.batch_size_per_image,
            positive_fraction=config.positive_fraction,
            positive_iou=config.positive_iou,
        )
        cells = self.regions.pool_rois(pyramid, sampled.boxes)
        codes, logits, deltas = self.regions(cells)
        positive, matched = sampled.positive, sampled.regions[sampled.positive]
        true_deltas = self.regions.encode_boxes(torch.cat(sampled.boxes)[positive], torch.cat(list(regions))[matched])
        positive_boxes = [
            boxes[kept]
            for boxes, kept in zip(sampled.boxes, torch.split(positive, list(map(len, sampled.boxes))), strict=True)
        ]
        features = self._features(codes[positive], cells[positive], maps, positive_boxes)
        lengths = (targets[matched] != IGNORE_INDEX).sum(dim=1)
        max_length = int(lengths.max())
        caption = self.captioner.loss(
            features,
            inputs[matched, None, :max_length],
            targets[matched, None, :max_length],
            label_smoothing=label_smoothing,
        )
        box = F.smooth_l1_loss(deltas[positive], true_deltas, beta=1.0, reduction="sum") / len(logits)
        return {
            "proposal_objectness": proposal_objectness,
            "proposal_box": proposal_box,
            "objectness": (F.binary_cross_entropy_with_logits(logits, positive.to(logits.dtype)), len(logits)),
            "box": (box, len(logits)),
            "caption": (caption, int(lengths.sum())),
        }

    def detect(self, maps: Sequence[Tensor]) -> list[Detections]:
        """Return the regions of each image, in evaluation mode.

        Args:
            maps: of the encoder, ``(B, C_s, h, w)`` per stride.
        """
        pyramid = self.pyramid(maps)
        proposed, _ = self.proposals([self.proposal_map(pyramid)])
        cells = self.regions.pool_rois(pyramid, proposed)
        codes, logits, deltas = self.regions(cells)
        config, detections, start = self.config.roi_head, [], 0
        for photo, boxes in enumerate(proposed):
            part = slice(start, start + len(boxes))
            start += len(boxes)
            scores = torch.sigmoid(logits[part])
            moved = self.regions.decode_boxes(boxes, deltas[part])
            kept = nms(moved, scores, config.nms_iou)[: config.max_detections]
            maps_of_photo = [activation[photo : photo + 1] for activation in maps]
            features = self._features(codes[part][kept], cells[part][kept], maps_of_photo, [boxes[kept]])
            detections.append(Detections(moved[kept], scores[kept], features, boxes))
        return detections

    def describe(self, maps: Sequence[Tensor], boxes: Sequence[Tensor]) -> Features:
        """Return the captioner's input for given boxes, ``(N_b, 4)`` per image, in evaluation mode."""
        cells = self.regions.pool_rois(self.pyramid(maps), list(boxes))
        codes, _, _ = self.regions(cells)
        return self._features(codes, cells, maps, boxes)

    def proposal_map(self, pyramid: Sequence[Tensor]) -> Tensor:
        """Return the map of the pyramid that the proposal network reads."""
        return pyramid[self.config.strides.index(self.config.proposals.stride)]

    def global_context(self, maps: Sequence[Tensor]) -> Tensor:
        """Return the context vector of each whole image, ``(B, code_size)``."""
        assert self.context is not None
        return torch.relu(self.context(self.pyramid.standardised(maps[-1].mean(dim=(2, 3)))))

    def flatten_roi_features(self, sampled: Sequence[Tensor]) -> Tensor:
        """Standardise and flatten what was pooled of the encoder's maps.

        Pooling is an average, so that channels may be standardised after it.

        Args:
            sampled: of ``N`` boxes, ``(N, C_s, k, k)`` per stride.

        Returns:
            ``(N, Σ C_s·k²)``.
        """
        standardised = self.pyramid.each_standardised(sampled)
        return torch.cat([each.flatten(1) for each in standardised], dim=1)

    def captioner_features(
        self, codes: Tensor, cells: Tensor, *, raw: Tensor | None, context: Tensor | None
    ) -> Features:
        """Assemble the captioner's input for ``N`` boxes.

        Args:
            codes: ``(N, code_size)``.
            cells: ``(N, width, output_size, output_size)``.
            raw: as :meth:`flatten_roi_features` returns it; with ``config.shortcut``.
            context: of each box's image, ``(N, code_size)``; with ``config.context``.
        """
        if self.shortcut is not None:
            assert raw is not None
            codes = codes + self.shortcut(raw)
        pooled = codes if context is None else torch.cat([codes, context], dim=1)
        if self.grid is None:
            return Features(pooled, None)
        return Features(pooled, self.grid(cells.flatten(2).transpose(1, 2)))  # (N, output_size², D)

    def _features(self, codes: Tensor, cells: Tensor, maps: Sequence[Tensor], boxes: Sequence[Tensor]) -> Features:
        """Pool and assemble the captioner's input for the boxes of each image, ``(N_b, 4)``."""
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


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> DenseCap:
    """Create the dense captioner of a run, with random weights."""
    assert vocabulary is not None
    section = config.section
    captioner = create_captioner(
        section.architecture,
        section.captioner,
        feature_size=section.densecap.feature_size,
        vocabulary_size=len(vocabulary),
        locations=section.densecap.roi_head.output_size**2,
    )
    return DenseCap(
        section.densecap,
        channels=encoder.feature_map_channels,
        image_size=(encoder.preprocessing.height, encoder.preprocessing.width),
        captioner=captioner,
    )
