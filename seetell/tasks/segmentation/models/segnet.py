"""SegNet: a decoder that undoes each pooling by its switches.

Badrinarayanan, Kendall & Cipolla, "SegNet: A Deep Convolutional Encoder-Decoder Architecture for Image Segmentation",
PAMI 2017, figures 2 and 3: the encoder remembers where the maximum of each 2×2 cells was; the decoder puts its values
there, with zeros in between, and makes them dense by convolutions with batch normalisation, which mirror the encoder's.

The encoder must halve its resolution by 2×2 maximum pooling alone: ``segnet_basic``, ``vgg_small``, ``vgg_c`` and
``vgg_a_lrn``. Departure: each stage of the decoder has one convolution of 3×3 cells, whatever the encoder's has.
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
            nn.Sequential(nn.Conv2d(coarse, fine, 3, padding=1, bias=False), nn.BatchNorm2d(fine), nn.ReLU())
            if len(stage)
            else nn.Identity()  # an encoder that ends with a pooling
            for stage, fine, coarse in zip(stages, channels[:1] + channels[:-1], channels, strict=True)
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


def _is_pooling(layer: nn.Module) -> bool:
    return isinstance(layer, nn.MaxPool2d) and layer.kernel_size in (2, (2, 2)) and layer.stride in (2, (2, 2))
