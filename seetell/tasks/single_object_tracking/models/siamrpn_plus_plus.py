"""SiamRPN++: depth-wise correlation, on several layers of a deep encoder whose proposals are averaged.

Li, Wu, Wang, Zhang, Xing & Yan, "SiamRPN++: Evolution of Siamese Visual Tracking with Very Deep Networks", CVPR 2019:
each channel of the window is correlated with the same channel of the exemplar, and two layers read scores and box
deltas from that (figure 4c); each layer of the encoder has such a block, whose outputs are summed with weights that are
learnt (section 3.3). Objects are far from the middle of training windows, evenly drawn (section 3.2).

``stages`` greater than 1 is the idea of C-RPN (Fan & Ling, "Siamese Cascaded Region Proposal Networks for Real-Time
Visual Tracking", CVPR 2019): a further block takes the boxes of the one before for its anchors, so that it learns from
those alone that the one before did not already refuse (their section 3.2), and its scores and boxes are what counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.config import check_sizes
from seetell.tasks.single_object_tracking.models.correlation import depthwise_correlation
from seetell.tasks.single_object_tracking.models.siamrpn import AnchoredNetwork, SiamRPNConfig, Stage, by_anchor


@dataclass(frozen=True)
class SiamRPNPlusPlusConfig(SiamRPNConfig):
    """SiamRPN++.

    Attributes:
        stages: of the cascade; 1 for none.
    """

    channels: int = 48
    stages: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_sizes(self, "stages")


class DepthwiseBlock(nn.Module):
    """Depth-wise correlation of one layer, and what is read from it.

    The convolutions begin as the identity, so that what is alike is correlated from the first step on.

    Args:
        channels: of the features.
        outputs: read at each place.
    """

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.kernel = nn.Sequential(nn.Conv2d(channels, channels, 3), nn.ReLU())
        self.window = nn.Sequential(nn.Conv2d(channels, channels, 3), nn.ReLU())
        for side in (self.kernel, self.window):
            pass_through(side[0])
        self.head = nn.Sequential(nn.Conv2d(channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, outputs, 1))

    def start_at(self, value: float) -> None:
        """Let all outputs begin near a value."""
        last = self.head[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, value)

    def correlate(self, window: Tensor, kernel: Tensor) -> Tensor:
        """Return ``(B, C, h, w)``; ``kernel`` is what :attr:`kernel` made of the exemplar."""
        return depthwise_correlation(self.window(window), kernel) / kernel.shape[-1]


def pass_through(layer: nn.Module) -> None:
    """Let a convolution begin as the identity, beside its random weights."""
    assert isinstance(layer, nn.Conv2d)
    with torch.no_grad():
        layer.weight.mul_(0.1).add_(nn.init.dirac_(torch.empty_like(layer.weight)))


class SiamRPNPlusPlus(AnchoredNetwork):
    """The network of the paper; see :class:`AnchoredNetwork`."""

    def __init__(self, config: SiamRPNPlusPlusConfig, maps: Mapping[int, int], size: int) -> None:
        super().__init__(config, maps, size)
        self.width, self.stages = config.channels, config.stages
        layers = len(maps) * config.stages
        self.scores = nn.ModuleList(DepthwiseBlock(config.channels, self.shapes) for _ in range(layers))
        self.boxes = nn.ModuleList(DepthwiseBlock(config.channels, 4 * self.shapes) for _ in range(layers))
        for block in self.scores:
            assert isinstance(block, DepthwiseBlock)
            block.start_at(-2.0)
        self.weights = nn.Parameter(torch.zeros(2, config.stages, len(maps)))

    def _layers(self, features: Tensor) -> list[Tensor]:
        """Return the features of each layer of the encoder, once for each stage."""
        return list(torch.split(features, self.width, dim=1)) * self.stages

    def template(self, exemplar: Tensor) -> tuple[Tensor, ...]:
        """Return the kernels ``(B, C, h, w)`` of scores, then of boxes, layer by layer of each stage."""
        layers = self._layers(exemplar)
        blocks = [*self.scores, *self.boxes]
        return tuple(block.kernel(features) for block, features in zip(blocks, layers * 2, strict=True))

    def respond(self, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return logits and deltas of the first stage; see :meth:`AnchoredNetwork.respond`."""
        return self._stage(0, window, template)

    def cascade(self, window: Tensor, template: Sequence[Tensor]) -> list[Stage]:
        """Return what each stage says; see :meth:`AnchoredNetwork.cascade`."""
        stages = super().cascade(window, template)
        for number in range(1, self.stages):
            anchors = self.moved(stages[-1]).detach()
            stages.append(Stage(*by_anchor(*self._stage(number, window, template)), anchors))
        return stages

    def _stage(self, stage: int, window: Tensor, template: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        layers = self._layers(window)
        count = len(layers) // self.stages
        summed: list[Tensor] = []
        for number, blocks in enumerate((self.scores, self.boxes)):
            weights = self.weights[number, stage].softmax(dim=0)
            for layer in range(count):
                place = stage * count + layer
                block = blocks[place]
                assert isinstance(block, DepthwiseBlock)
                correlated = block.correlate(layers[place], template[number * len(layers) + place])
                read: Tensor = weights[layer] * block.head(correlated)
                if layer:
                    summed[number] = summed[number] + read
                else:
                    summed.append(read)
        return summed[0], summed[1]
