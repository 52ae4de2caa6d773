"""SegNet: a decoder that undoes each pooling by its switches.

Badrinarayanan, Kendall & Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
PAMI 2017, figures 2 and 3: the encoder remembers where the maximum of each 2×2 cells was; the decoder puts its values
there, with zeros in between, and makes them dense by convolutions with batch normalisation, which mirror the encoder's:
as many, of the same extent and back to the channels that the stage began with. SegNet-Basic is this on
``segnet_basic``, and SegNet on VGG-16's convolutions.

The encoder must halve its resolution by 2×2 maximum pooling alone: ``segnet_basic``, ``vgg_small``, ``vgg_c`` and
``vgg_a_lrn``. Departure: the first stage keeps its channels, and a convolution of 1×1 cells scores the classes.
"""

from __future__ import annotations

from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder
from seetell.nn.backbones.staged import StagedEncoder
from seetell.nn.upsampling import pool_with_switches, unpool


class SegNet(nn.Module):
    """The decoder.

    Args:
        encoder: whose stages but the first begin with a pooling.
        classes: ``K``.
        dropout: probability of zeroing a channel of the coarsest map in training.

    Raises:
        RecipeError: the encoder's resolution is halved in another way.
    """

    def __init__(self, encoder: Encoder, classes: int, *, dropout: float) -> None:
        super().__init__()
        stages = _pooled_stages(encoder)
        channels = list(encoder.feature_map_channels.values())[: len(stages)]
        self.dropout = nn.Dropout2d(dropout)
        self.convolutions = nn.ModuleList(
            nn.Sequential(*_mirrored(stage, back_to))
            for stage, back_to in zip(stages, channels[:1] + channels[:-1], strict=True)
        )
        self.score = nn.Conv2d(channels[0], classes, 1)

    def segment(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return logits ``(B, K, H, W)`` of images ``(B, 3, H, W)``."""
        first, *others = _pooled_stages(encoder)
        x = first(images)
        pooled: list[tuple[Tensor, tuple[int, int]]] = []
        for layers in others:
            size = (x.shape[2], x.shape[3])
            x, switches = pool_with_switches(x)
            pooled.append((switches, size))
            x = layers(x)
        x = self.dropout(x)
        for place in reversed(range(len(self.convolutions))):
            x = self.convolutions[place](x)
            if place:
                x = unpool(x, *pooled[place - 1])
        logits: Tensor = self.score(x)
        return logits


def _pooled_stages(encoder: Encoder) -> list[nn.Sequential]:
    """Return the stages without the pooling that each but the first begins with."""
    if isinstance(encoder, StagedEncoder):
        first, *others = [
            stage if isinstance(stage, nn.Sequential) else nn.Sequential(stage) for stage in encoder.stages
        ]
        if others and all(_is_pooling(stage[0]) for stage in others):
            return [first, *(stage[1:] for stage in others)]
    raise RecipeError(
        f"encoder.name: SegNet needs an encoder that halves its resolution by 2×2 maximum pooling alone, such as "
        f"segnet_basic; got {encoder.name}"
    )


def _mirrored(stage: nn.Sequential, channels: int) -> list[nn.Module]:
    """Return the layers that go back through the convolutions of a stage, to the channels that it began with."""
    layers: list[nn.Module] = []
    convolutions = [layer for layer in stage.modules() if isinstance(layer, nn.Conv2d)]
    for number, layer in enumerate(reversed(convolutions), 1):
        outputs = channels if number == len(convolutions) else layer.in_channels
        kernel, padding = layer.kernel_size[0], layer.kernel_size[0] // 2
        layers += [
            nn.Conv2d(layer.out_channels, outputs, kernel, padding=padding, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return layers


def _is_pooling(layer: nn.Module) -> bool:
    return isinstance(layer, nn.MaxPool2d) and layer.kernel_size in (2, (2, 2)) and layer.stride in (2, (2, 2))
