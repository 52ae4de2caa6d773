"""Faster R-CNN on a feature pyramid.

Lin et al., "Feature Pyramid Networks for Object Detection", CVPR 2017, section 4: anchors of one size on each map, one
proposal network for all maps, and boxes pooled from the map that fits their size. In print: anchors of 32 to 512 pixels
at the strides 4 to 64, 256 channels, a head of two layers of 1,024 on 7 × 7 cells. The pyramid is
:class:`~seetell.nn.feature_pyramid.FeaturePyramid`, whose departures it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from torch import Tensor

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError
from seetell.nn.box_head import BoxHead
from seetell.nn.feature_pyramid import FeaturePyramid
from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork
from seetell.nn.roi_pooling import PyramidRoIAlign
from seetell.tasks.detection.models.detector import DetectorSpec
from seetell.tasks.detection.models.faster_rcnn import proposal_defaults
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig


@dataclass(frozen=True)
class PyramidConfig:
    """Sizes of a detector with a feature pyramid.

    Attributes:
        strides: of the encoder's maps, in pixels of its input, each twice the one before.
        width: channels of the pyramid's maps.
        canonical_box_size: side, in pixels of the input, from which on boxes are pooled from the second map; those
            twice as large from the third, and so on.
        cells: rows and columns pooled per box.
        hidden: width of the head's two layers.
        dropout: probability of zeroing an element behind each in training.
        proposals: the region proposal network, with an anchor size for each stride; its ``stride`` is not read.
        sampling: which proposals the head learns from.
    """

    strides: tuple[int, ...] = (8, 16, 32)
    width: int = 96
    canonical_box_size: int = 128
    cells: int = 7
    hidden: int = 512
    dropout: float = 0.0
    proposals: ProposalConfig = field(default_factory=proposal_defaults(32, 64, 160))
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def __post_init__(self) -> None:
        check_sizes(self, "width", "canonical_box_size", "cells", "hidden")
        check_probabilities(self, "dropout")
        if any(coarse != 2 * fine for fine, coarse in pairwise(self.strides)):
            raise RecipeError(f"strides: each must be twice the one before, got {list(self.strides)}")


class PyramidRCNN(RegionDetector):
    """Proposals and a box head on a feature pyramid.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: PyramidConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.image_size, self.sampling, self.strides = spec.image_size, config.sampling, config.strides
        self.pyramid = FeaturePyramid(spec.read(config.strides), width=config.width)
        self.proposals = RegionProposalNetwork(
            config.proposals, width=config.width, image_size=spec.image_size, strides=config.strides
        )
        self.pool = PyramidRoIAlign(config.cells, config.strides, canonical_size=config.canonical_box_size)
        self._add_head(config, spec)

    def _add_head(self, config: PyramidConfig, spec: DetectorSpec) -> None:
        inputs = config.width * config.cells**2
        self.head = BoxHead(inputs, config.hidden, classes=spec.classes, dropout=config.dropout)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.pyramid.fit(maps)

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the pyramid, ``(B, width, h, w)`` per stride."""
        return self.pyramid(maps)  # type: ignore[no-any-return]

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Pool and classify; see :meth:`RegionDetector.head_outputs`."""
        outputs: tuple[Tensor, Tensor] = self.head(self.pool(trunk, rois))
        return outputs
