"""Fast R-CNN: given proposals, one map for all of them.

Girshick, "Fast R-CNN", ICCV 2015: the image goes through the convolutions once, each proposal of selective search is
pooled from the last map to 7 × 7 cells, and two layers of 4,096 classify and move it, trained in one stage by softmax
and smooth L1. Background are proposals that overlap an object by 0.1 to 0.5. Departure: a convolution of ``width``
channels behind the map of a frozen encoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor, nn

from seetell.config import check_probabilities, check_sizes
from seetell.nn.box_head import BoxHead
from seetell.nn.roi_pooling import RoIAlign, RoIPool
from seetell.tasks.detection.models.detector import DetectorSpec, StandardisedMaps, convolution
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig

POOLING: dict[str, type[nn.Module]] = {"max": RoIPool, "align": RoIAlign}


@dataclass(frozen=True)
class FastRCNNConfig:
    """Sizes of a Fast R-CNN.

    Attributes:
        stride: of the encoder's map, in pixels of its input.
        width: channels of the map that boxes are pooled from.
        pooling: ``max``, RoI pooling as in print, or ``align``, RoIAlign.
        cells: rows and columns pooled per box.
        hidden: width of the head's two layers.
        dropout: probability of zeroing an element behind each in training.
        sampling: which proposals the head learns from.
    """

    stride: int = 16
    width: int = 128
    pooling: Literal["max", "align"] = "max"
    cells: int = 7
    hidden: int = 512
    dropout: float = 0.0
    sampling: SamplingConfig = field(default_factory=lambda: SamplingConfig(negative_iou=(0.1, 0.5)))

    def __post_init__(self) -> None:
        check_sizes(self, "width", "cells", "hidden")
        check_probabilities(self, "dropout")


class FastRCNN(RegionDetector):
    """A box head on one map, for proposals of selective search.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    proposals_given = True

    def __init__(self, config: FastRCNNConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.proposals = None
        self.image_size, self.sampling, self.strides = spec.image_size, config.sampling, (config.stride,)
        channels = spec.read(self.strides)
        self.norm = StandardisedMaps(channels)
        self.reduce = convolution(channels[config.stride], config.width)
        self.pool = POOLING[config.pooling](config.cells, config.stride)
        self.head = BoxHead(config.width * config.cells**2, config.hidden, classes=spec.classes, dropout=config.dropout)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.norm.fit(maps)

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the map, ``(B, width, h, w)``."""
        return [self.reduce(self.norm(maps)[0])]

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Pool and classify; see :meth:`RegionDetector.head_outputs`."""
        outputs: tuple[Tensor, Tensor] = self.head(self.pool(trunk[0], rois))
        return outputs
