"""SSD: default boxes at the cells of many maps, each with a class and an offset.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016. Map ``k`` of ``m`` has default boxes of scale
``s_k = s_min + (s_max − s_min)(k − 1) / (m − 1)`` (equation 4) in ratios 1, 2, 1/2 and, but for the first and the last
two maps, 3 and 1/3, and one of ratio 1 and scale ``√(s_k s_{k+1})``. A box is matched with an object that it overlaps
by more than 0.5, and each object with the box that overlaps it most. The loss is ``(L_conf + α L_loc) / N`` with
``α = 1`` and ``N`` matched boxes (equation 1); of the others only the hardest count, three to one (section 2.2). In
print: VGG-16's maps at strides 8 and 16 and four more, scales from 0.1 at the first and 0.2 to 0.9. Departure: behind
each of a frozen encoder's maps, standardised, stands one convolution of ``width`` channels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.detection._utils import SSDMatcher
from torchvision.ops import box_iou

from seetell.config import check_not_negative, check_parts, check_sizes
from seetell.nn.anchors import GridAnchors
from seetell.nn.box_coding import ROI_SCALES, decode_boxes, encode_boxes
from seetell.nn.box_head import Loss
from seetell.tasks.detection.models.detector import (
    DetectorSpec,
    OneStageDetector,
    StandardisedMaps,
    Targets,
    convolution,
    no_loss,
)

MATCHED_IOU = 0.5


@dataclass(frozen=True)
class SSDConfig:
    """Sizes of an SSD.

    Attributes:
        strides: of the encoder's maps, in pixels of its input.
        extra_maps: maps added behind the coarsest, each of half its extent.
        width: channels of every map.
        first_scale: side of the default boxes of the first map, as a share of the image's.
        least_scale: that of the second map.
        greatest_scale: that of the last.
        negatives: hardest background boxes per matched one.
        box_weight: ``α`` of the loss of offsets.
    """

    strides: tuple[int, ...] = (8, 16, 32)
    extra_maps: int = 2
    width: int = 128
    first_scale: float = 0.1
    least_scale: float = 0.2
    greatest_scale: float = 0.9
    negatives: int = 3
    box_weight: float = 1.0

    def __post_init__(self) -> None:
        check_sizes(self, "width", "negatives")
        check_not_negative(self, "extra_maps", "box_weight")
        check_parts(self, "first_scale", "least_scale", "greatest_scale")

    @property
    def scales(self) -> list[float]:
        """Scales of all maps, and the one that the last map's second box is halfway to."""
        later = len(self.strides) + self.extra_maps - 1
        step = (self.greatest_scale - self.least_scale) / max(later - 1, 1)
        return [self.first_scale, *(self.least_scale + step * number for number in range(later + 1))]


class SSD(OneStageDetector):
    """Predictors on the encoder's maps and on further ones.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: SSDConfig, spec: DetectorSpec) -> None:
        super().__init__()
        channels = spec.read(config.strides)
        self.config, self.image_size, self.classes = config, spec.image_size, spec.classes
        self.strides = tuple(channels)
        self.norm = StandardisedMaps(channels)
        self.reduce = nn.ModuleList(convolution(count, config.width) for count in channels.values())
        self.extra = nn.ModuleList(
            nn.Sequential(
                convolution(config.width, config.width // 2, size=1),
                convolution(config.width // 2, config.width, stride=2),
            )
            for _ in range(config.extra_maps)
        )
        strides = [*self.strides, *(self.strides[-1] * 2**number for number in range(1, config.extra_maps + 1))]
        boxes = [self._default_boxes(number) for number in range(len(strides))]
        self.anchors = GridAnchors(strides, boxes)
        outputs = spec.classes + 1 + 4
        self.predictors = nn.ModuleList(nn.Conv2d(config.width, len(each) * outputs, 3, padding=1) for each in boxes)
        self.matcher = SSDMatcher(MATCHED_IOU)

    def _default_boxes(self, number: int) -> Tensor:
        """Return the default boxes of a map around the origin, in pixels, ``(A, 4)``."""
        scales, last = self.config.scales, len(self.config.scales) - 2
        few = number in (0, last - 1, last)
        sides = [(scales[number], 1.0), (math.sqrt(scales[number] * scales[number + 1]), 1.0)]
        sides += [(scales[number], ratio) for ratio in ((2, 1 / 2) if few else (2, 1 / 2, 3, 1 / 3))]
        height, width = self.image_size
        halves = torch.tensor(
            [[scale * math.sqrt(ratio) * width, scale / math.sqrt(ratio) * height] for scale, ratio in sides]
        )
        return torch.cat([-halves / 2, halves / 2], dim=1)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.norm.fit(maps)

    def outputs(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Return class logits ``(B, N, K + 1)``, offsets ``(B, N, 4)`` and default boxes ``(N, 4)``."""
        levels = [reduce(each) for reduce, each in zip(self.reduce, self.norm(maps), strict=True)]
        for extra in self.extra:
            levels.append(extra(levels[-1]))
        rows = [
            predictor(level).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, self.classes + 5))
            for predictor, level in zip(self.predictors, levels, strict=True)
        ]
        outputs = torch.cat(rows, dim=1)
        return outputs[..., :-4], outputs[..., -4:], self.anchors.over(levels)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return scores and boxes; see :meth:`OneStageDetector.forward`."""
        logits, offsets, boxes = self.outputs(maps)
        moved = decode_boxes(boxes, offsets, image_size=self.image_size, scales=ROI_SCALES)
        return torch.softmax(logits, dim=-1)[..., 1:], moved

    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return both losses, means over the matched boxes; see :meth:`DetectorNetwork.losses`."""
        logits, offsets, boxes = self.outputs(maps)
        labels = torch.zeros(logits.shape[:2], dtype=torch.int64, device=logits.device)
        moves = []
        for photo, (true, classes) in enumerate(zip(targets.boxes, targets.labels, strict=True)):
            if not len(true):
                continue
            matched = self.matcher(box_iou(true, boxes))
            positive = torch.nonzero(matched >= 0)[:, 0]
            chosen = matched[positive]
            labels[photo, positive] = classes[chosen] + 1
            wanted = encode_boxes(boxes[positive], true[chosen], scales=ROI_SCALES)
            moves.append(F.smooth_l1_loss(offsets[photo, positive], wanted, reduction="sum"))
        count = int((labels > 0).sum())
        items = max(count, 1)
        localisation = torch.stack(moves).sum() if moves else no_loss(offsets)
        confidence = hard_mined(logits, labels, negatives=self.config.negatives)
        return {
            "confidence": (confidence / items, items),
            "box": (self.config.box_weight * localisation / items, items),
        }


def hard_mined(logits: Tensor, labels: Tensor, *, negatives: int) -> Tensor:
    """Return the sum of the cross-entropy of all positive boxes and of the hardest background ones of each image.

    Args:
        logits: ``(B, N, K + 1)``.
        labels: ``(B, N)``, 0 for the background.
        negatives: background boxes per positive one.
    """
    entropy = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").reshape(labels.shape)
    positive = labels > 0
    difficulty = entropy.detach().masked_fill(positive, -1.0)
    rank = difficulty.argsort(dim=1, descending=True).argsort(dim=1)
    hard = (rank < negatives * positive.sum(dim=1, keepdim=True)) & ~positive
    return entropy[positive].sum() + entropy[hard].sum()
