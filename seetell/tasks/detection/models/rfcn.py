"""R-FCN: a fully convolutional detector whose maps vote for the parts of a box.

Dai et al., "R-FCN: Object Detection via Region-based Fully Convolutional Networks", NIPS 2016: ``k²(K + 1)`` maps score
each class at each of ``k × k`` parts of a box, and ``4k²`` maps move it; position-sensitive RoI pooling takes each part
from its own maps (equation 1), and the parts vote by their mean, so that nothing is computed per box but means. Boxes
are moved for all classes alike. In print: ``k = 7`` (3 in the ablations), ResNet-101's last map reduced to 1,024
channels, online hard example mining. Departures: ``width`` channels on a frozen encoder, no hard example mining.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from seetell.config import check_sizes
from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork
from seetell.nn.roi_pooling import PositionSensitiveRoIPool
from seetell.tasks.detection.models.detector import DetectorSpec, StandardisedMaps, convolution
from seetell.tasks.detection.models.faster_rcnn import proposal_defaults
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig


@dataclass(frozen=True)
class RFCNConfig:
    """Sizes of an R-FCN.

    Attributes:
        stride: of the encoder's map, in pixels of its input.
        width: channels of the map that everything is computed from.
        parts: ``k``, across and down a box.
        proposals: the region proposal network; its ``stride`` is not read.
        sampling: which proposals are learnt from.
    """

    stride: int = 16
    width: int = 256
    parts: int = 3
    proposals: ProposalConfig = field(default_factory=proposal_defaults(32, 64, 128, 200))
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def __post_init__(self) -> None:
        check_sizes(self, "width", "parts")


class RFCN(RegionDetector):
    """Proposals, score maps and box maps, and votes.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: RFCNConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.image_size, self.sampling, self.strides = spec.image_size, config.sampling, (config.stride,)
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
