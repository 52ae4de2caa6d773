"""Faster R-CNN on one map.

Ren et al., "Faster R-CNN: Towards Real-Time Object Detection with Region Proposal Networks", NIPS 2015: a region
proposal network over the last map, with anchors of several sizes and ratios at each cell, and Fast R-CNN's head on the
same map. In print: anchors of 128, 256 and 512 pixels in photos of 600, VGG-16's 512 channels and layers of 4,096; 300
proposals at test time. Departures: a convolution of ``width`` channels stands between a frozen encoder and all else,
and the whole is trained at once (their "approximate joint training").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork
from seetell.tasks.detection.models.detector import DetectorSpec
from seetell.tasks.detection.models.fast_rcnn import FastRCNN, FastRCNNConfig
from seetell.tasks.detection.models.regions import SamplingConfig


def proposal_defaults(*sizes: int) -> Callable[[], ProposalConfig]:
    """Return a function that makes a proposal network for inputs of about 256 pixels, with anchors of some sizes."""
    return lambda: ProposalConfig(
        anchor_sizes=sizes, pre_nms_top_n=600, post_nms_top_n_train=200, post_nms_top_n_test=100
    )


@dataclass(frozen=True)
class FasterRCNNConfig(FastRCNNConfig):
    """Sizes of a Faster R-CNN, beside those of :class:`~.fast_rcnn.FastRCNNConfig`.

    Attributes:
        proposals: the region proposal network; its ``stride`` is not read.
        sampling: which proposals the head learns from.
    """

    proposals: ProposalConfig = field(default_factory=proposal_defaults(32, 64, 128, 200))
    sampling: SamplingConfig = field(default_factory=SamplingConfig)


class FasterRCNN(FastRCNN):
    """Proposals and a box head on one map.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    proposals_given = False

    def __init__(self, config: FasterRCNNConfig, spec: DetectorSpec) -> None:
        super().__init__(config, spec)
        self.proposals = RegionProposalNetwork(
            config.proposals, width=config.width, image_size=spec.image_size, strides=self.strides
        )
