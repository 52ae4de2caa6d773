"""U-Net: a contracting and an expanding path, joined at every resolution.

Ronneberger, Fischer & Brox, "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015, figure 1:
an up-convolution halves the stride, the encoder's map of that stride is concatenated, and two 3×3 convolutions follow.

Departures: any encoder is the contracting path; convolutions are padded, so that the map has the size of the image;
batch normalisation behind each; and the number of channels is chosen per stride, down to the encoder's finest map,
whose scores are interpolated to the image's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch import cat as concatenated

from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder
from seetell.nn.upsampling import BilinearUpsampling, UpConvolution


class UNet(nn.Module):
    """The expanding path.

    Args:
        encoder: the contracting path.
        classes: ``K``.
        channels: of the maps of the expanding path, finest first: one for each of the encoder's maps but the coarsest.
        dropout: probability of zeroing a channel of the coarsest map in training.

    Raises:
        RecipeError: the encoder has another number of maps.
    """

    def __init__(self, encoder: Encoder, classes: int, *, channels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.strides = tuple(encoder.feature_map_channels)
        *skips, coarsest = encoder.feature_map_channels.values()
        if len(skips) < 1 or len(channels) < len(skips):
            raise RecipeError(
                f"segmentation.channels: {encoder.name} has maps at strides {list(self.strides)}; expected "
                f"{len(skips)} numbers for all but the coarsest, got {len(channels)}"
            )
        widths = [*channels[: len(skips)], coarsest]
        self.dropout = nn.Dropout2d(dropout)
        self.ups = nn.ModuleList(
            UpConvolution(width, finer, stride // finer_stride)
            for (finer, width), (finer_stride, stride) in zip(pairwise(widths), pairwise(self.strides), strict=True)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*_convolution(skip + width, width), *_convolution(width, width))
            for skip, width in zip(skips, widths, strict=False)
        )
        self.score = nn.Conv2d(widths[0], classes, 1)
        self.last = BilinearUpsampling(classes, self.strides[0], learnt=False) if self.strides[0] > 1 else None

    def segment(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return logits ``(B, K, H, W)`` of images ``(B, 3, H, W)``."""
        *skips, coarsest = encoder.feature_maps(images).values()
        x = self.dropout(coarsest)
        for skip, up, block in zip(reversed(skips), reversed(self.ups), reversed(self.blocks), strict=True):
            x = block(concatenated([skip, up(x, (skip.shape[2], skip.shape[3]))], dim=1))
        logits: Tensor = self.score(x)
        return logits if self.last is None else self.last(logits, (images.shape[2], images.shape[3]))


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
