"""Light-head R-CNN: thin maps with a large receptive field, and a cheap head.

Li et al., "Light-Head R-CNN: In Defense of Two-Stage Object Detector", 2017: instead of R-FCN's maps for each class,
ten for each of 7 × 7 parts, 490 in all, computed by *large separable convolutions*: a 15 × 1 convolution behind a
1 × 15 one, and the other way round, added up (section 3.2, figure 3; from Peng et al. 2017). Position-sensitive pooling
leaves 10 × 7 × 7 values per box, which one fully connected layer of 2,048 classifies and moves. In print: 256 channels
between the two convolutions (64 with a small encoder). Boxes are moved for all classes alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from seetell.config import check_sizes
from seetell.errors import RecipeError
from seetell.nn.box_head import BoxPredictor
from seetell.nn.region_proposals import ProposalConfig, RegionProposalNetwork
from seetell.nn.roi_pooling import PositionSensitiveRoIPool
from seetell.tasks.detection.models.detector import DetectorSpec, StandardisedMaps, convolution
from seetell.tasks.detection.models.faster_rcnn import proposal_defaults
from seetell.tasks.detection.models.regions import RegionDetector, SamplingConfig


@dataclass(frozen=True)
class LightHeadConfig:
    """Sizes of a Light-head R-CNN.

    Attributes:
        stride: of the encoder's map, in pixels of its input.
        width: channels of the map that proposals are made on.
        kernel: length of the large convolutions, odd.
        middle: channels between the two.
        thin: channels of each part.
        parts: across and down a box.
        hidden: width of the head's layer.
        proposals: the region proposal network; its ``stride`` is not read.
        sampling: which proposals are learnt from.
    """

    stride: int = 16
    width: int = 128
    kernel: int = 15
    middle: int = 64
    thin: int = 10
    parts: int = 7
    hidden: int = 1024
    proposals: ProposalConfig = field(default_factory=proposal_defaults(32, 64, 128, 200))
    sampling: SamplingConfig = field(default_factory=SamplingConfig)

    def __post_init__(self) -> None:
        check_sizes(self, "width", "middle", "thin", "parts", "hidden")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise RecipeError(f"kernel: expected an odd number, got {self.kernel}")


class LargeSeparableConvolution(nn.Module):
    """``k × 1`` behind ``1 × k`` and the other way round, added up.

    Args:
        inputs: channels of the map.
        middle: channels between the two.
        outputs: channels of the result.
        kernel: ``k``.
    """

    def __init__(self, inputs: int, middle: int, outputs: int, *, kernel: int) -> None:
        super().__init__()
        half = kernel // 2

        def path(first: tuple[int, int], second: tuple[int, int]) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inputs, middle, first, padding=(half * (first[0] > 1), half * (first[1] > 1))),
                nn.Conv2d(middle, outputs, second, padding=(half * (second[0] > 1), half * (second[1] > 1))),
            )

        self.left, self.right = path((kernel, 1), (1, kernel)), path((1, kernel), (kernel, 1))

    def forward(self, activation: Tensor) -> Tensor:
        """Map ``(B, inputs, h, w)`` to ``(B, outputs, h, w)``."""
        added: Tensor = self.left(activation) + self.right(activation)
        return added


class LightHeadRCNN(RegionDetector):
    """Proposals, thin maps and a head of one layer.

    Args:
        config: sizes.
        spec: encoder and classes.
    """

    def __init__(self, config: LightHeadConfig, spec: DetectorSpec) -> None:
        super().__init__()
        self.image_size, self.sampling, self.strides = spec.image_size, config.sampling, (config.stride,)
        channels = spec.read(self.strides)[config.stride]
        self.norm = StandardisedMaps({config.stride: channels})
        self.reduce = convolution(channels, config.width)
        self.proposals = RegionProposalNetwork(
            config.proposals, width=config.width, image_size=spec.image_size, strides=self.strides
        )
        outputs = config.thin * config.parts**2
        self.thin = LargeSeparableConvolution(channels, config.middle, outputs, kernel=config.kernel)
        self.pool = PositionSensitiveRoIPool(config.parts, config.stride)
        self.layer = nn.Sequential(nn.ReLU(), nn.Flatten(), nn.Linear(outputs, config.hidden), nn.ReLU())
        self.predictor = BoxPredictor(config.hidden, classes=spec.classes, class_agnostic=True)

    def fit(self, maps: Sequence[Tensor]) -> None:
        """Fit the standardisation; see :meth:`DetectorNetwork.fit`."""
        self.norm.fit(maps)

    def trunk(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the map that proposals are made on, and the thin maps ``(B, thin·parts², h, w)``."""
        (activation,) = self.norm(maps)
        return [self.reduce(activation), self.thin(activation)]

    def proposal_maps(self, trunk: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the first map."""
        return trunk[:1]

    def head_outputs(self, trunk: Sequence[Tensor], rois: Tensor) -> tuple[Tensor, Tensor]:
        """Pool and classify; see :meth:`RegionDetector.head_outputs`."""
        outputs: tuple[Tensor, Tensor] = self.predictor(self.layer(self.pool(trunk[1], rois)))
        return outputs
