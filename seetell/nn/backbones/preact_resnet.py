"""Residual networks with normalisation and ReLU before each convolution, so that nothing stands on the shortcuts.

He et al., "Identity Mappings in Deep Residual Networks", ECCV 2016, figure 1(b); from 164 layers on with bottlenecks,
as in its table 3. :mod:`seetell.nn.backbones.wide_resnet` has such blocks, too.
"""

from __future__ import annotations

from torch import Tensor, nn

from seetell.nn.backbones.cifar_resnet import CHANNELS, blocks_of, depth_in, residual_stages
from seetell.nn.backbones.encoder import PublishedHead, pooling_head
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise

BOTTLENECKS_FROM = 164
"""Layers."""


class PreActivationBlock(nn.Module):
    """Normalisation, ReLU, convolution, two or three times, and a shortcut around them.

    Where the shape changes, the shortcut is a 1×1 convolution of the activated input.

    Args:
        inputs: channels.
        outputs: channels.
        stride: of the first 3×3 convolution.
        bottleneck: 1×1, 3×3, 1×1 with a quarter of the channels inside, rather than 3×3 twice.
        dropout: probability of zeroing an element between the 3×3 convolutions.
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int, *, bottleneck: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        if bottleneck:
            inside = outputs // 4
            self.layers = nn.Sequential(
                nn.Conv2d(inputs, inside, 1, bias=False),
                nn.BatchNorm2d(inside),
                nn.ReLU(),
                nn.Conv2d(inside, inside, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(inside),
                nn.ReLU(),
                nn.Conv2d(inside, outputs, 1, bias=False),
            )
        else:
            self.layers = nn.Sequential(
                nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(),
                *([nn.Dropout(dropout)] if dropout else []),
                nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            )
        changes = inputs != outputs or stride > 1
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, inputs: Tensor) -> Tensor:
        """``(B, C, H, W)`` → ``(B, C', H / stride, W / stride)``."""
        activated = self.first(inputs)
        kept = inputs if self.shortcut is None else self.shortcut(activated)
        residual: Tensor = self.layers(activated)
        return kept + residual


class PreActResNet(StagedEncoder):
    """A pre-activation network of ``6n + 2`` layers, or ``9n + 2`` with bottlenecks.

    Args:
        name: ends with the number of layers, as ``cifar_preact_resnet110`` does.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 32 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        depth = depth_in(name)
        bottleneck = depth >= BOTTLENECKS_FROM
        channels = {stride: outputs * (4 if bottleneck else 1) for stride, outputs in CHANNELS.items()}

        def block(inputs: int, outputs: int, stride: int) -> nn.Module:
            return PreActivationBlock(inputs, outputs, stride, bottleneck=bottleneck)

        stages = residual_stages(blocks_of(depth, layers=3 if bottleneck else 2), channels, block, inputs=CHANNELS[1])
        super().__init__(name, pre_activated(stages, CHANNELS[1]), pretrained=pretrained, image_size=image_size or 32)
        initialise(self, "he")

    def published_head(self, classes: int) -> PublishedHead:
        """Return global average pooling and the outputs."""
        return pooling_head(self.channels, classes)


def pre_activated(stages: list[Stage], stem: int) -> list[Stage]:
    """Return the same stages with a first convolution, of ``stem`` channels, and normalisation and ReLU at the end."""
    first, last = stages[0], stages[-1]
    channels = last.layers[-1].layers[-1].out_channels  # type: ignore[index]
    return [
        Stage(first.stride, nn.Sequential(nn.Conv2d(3, stem, 3, padding=1, bias=False), *first.layers.children())),
        *stages[1:-1],
        Stage(last.stride, nn.Sequential(*last.layers.children(), nn.BatchNorm2d(channels), nn.ReLU())),
    ]
