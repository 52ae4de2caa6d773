"""RetinaNet: one stage on a feature pyramid, with a loss that hardly looks at what is easy.

Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017: two networks of four convolutions on every map, one for
the classes and one for the offsets of nine anchors a cell, three sizes ``2^0, 2^⅓, 2^⅔`` in the ratios 1/2, 1 and 2.
The loss of a class's probability ``p_t`` is ``−α_t (1 − p_t)^γ log p_t`` with ``α = 0.25``, ``γ = 2`` (equation 5),
summed over all anchors and divided by the number of those that overlap an object by 0.5 or more; from 0.4 to 0.5 they
are ignored. The head and its losses are torchvision's. In print: maps at strides 8 to 128 with 256 channels and anchors
of 4 strides. Departure: the head's hidden convolutions begin as He et al. ("Delving Deep into Rectifiers", ICCV 2015)
have it, not with a deviation of 0.01, with which four layers of few channels pass on next to nothing for a long time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.ops import box_iou

from seetell.config import check_not_negative, check_positive, check_sizes
from seetell.nn.anchors import GridAnchors, anchor_boxes
from seetell.nn.box_coding import decode_boxes
from seetell.nn.box_head import Loss
from seetell.nn.feature_pyramid import FeaturePyramid
from seetell.tasks.detection.models.detector import DetectorSpec, OneStageDetector, Targets, convolution

SIZES = tuple(2 ** (third / 3) for third in range(3))
RATIOS = (0.5, 1.0, 2.0)


@dataclass(frozen=True)
class RetinaNetConfig:
    """Sizes of a RetinaNet.

    Attributes:
        strides: of the encoder's maps, in pixels of its input, each twice the one before.
        extra_maps: maps added behind the coarsest, each of half its extent.
        width: channels of the pyramid and of the head.
        anchor_size: side of the smallest anchors of a map, in its strides.
    """

    strides: tuple[int, ...] = (8, 16, 32)
    extra_maps: int = 1
    width: int = 64
    anchor_size: float = 3.0

    def __post_init__(self) -> None:
        check_sizes(self, "width")
        check_not_negative(self, "extra_maps")
        check_positive(self, "anchor_size")


class PyramidWithExtras(nn.Module):
    """A feature pyramid with further maps behind its coarsest.

    Args:
        spec: encoder and classes.
        strides: of the encoder's maps.
        width: channels of every map.
        extra_maps: their number.
    """

    def __init__(self, spec: DetectorSpec, strides: Sequence[int], *, width: int, extra_maps: int) -> None:
        super().__init__()
        channels = spec.read(strides)
        self.read = tuple(channels)
        self.strides = [*self.read, *(self.read[-1] * 2**number for number in range(1, extra_maps + 1))]
        self.pyramid = FeaturePyramid(channels, width=width)
        self.extra = nn.ModuleList(convolution(width, width, stride=2) for _ in range(extra_maps))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return maps ``(B, width, h, w)``, finest first."""
        levels = list(self.pyramid(maps))
        for extra in self.extra:
            levels.append(extra(levels[-1]))
        return levels


class RetinaNet(OneStageDetector):
    """torchvision's head on a feature pyramid.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: RetinaNetConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.image_size, self.classes = spec.image_size, spec.classes
        self.levels = PyramidWithExtras(spec, config.strides, width=config.width, extra_maps=config.extra_maps)
        self.strides = self.levels.read
        boxes = [
            anchor_boxes([config.anchor_size * stride * size for size in SIZES], RATIOS)
            for stride in self.levels.strides
        ]
        self.anchors = GridAnchors(self.levels.strides, boxes)
        self.head = RetinaNetHead(config.width, len(boxes[0]), spec.classes)
        for network in (self.head.classification_head.conv, self.head.regression_head.conv):
            for layer in network.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.matcher = Matcher(0.5, 0.4, allow_low_quality_matches=True)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.levels.pyramid.fit(maps)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return scores and boxes; see :meth:`OneStageDetector.forward`."""
        levels = self.levels(maps)
        outputs = self.head(levels)
        boxes = decode_boxes(self.anchors.over(levels), outputs["bbox_regression"], image_size=self.image_size)
        return torch.sigmoid(outputs["cls_logits"]), boxes

    def losses(
        self, maps: Sequence[Tensor], targets: Targets, proposals: Sequence[Tensor] | None = None
    ) -> dict[str, Loss]:
        """Return the focal loss and that of offsets, means over images; see :meth:`DetectorNetwork.losses`."""
        levels = self.levels(maps)
        anchors = self.anchors.over(levels)
        nothing = torch.full((len(anchors),), self.matcher.BELOW_LOW_THRESHOLD, device=anchors.device)
        matched = [self.matcher(box_iou(boxes, anchors)) if len(boxes) else nothing for boxes in targets.boxes]
        described = [
            {"boxes": boxes, "labels": labels} for boxes, labels in zip(targets.boxes, targets.labels, strict=True)
        ]
        losses = self.head.compute_loss(described, self.head(levels), [anchors] * len(described), matched)
        return {
            "classification": (losses["classification"], len(described)),
            "box": (losses["bbox_regression"], len(described)),
        }
