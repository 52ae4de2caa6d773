"""Fully convolutional networks: FCN-32s, FCN-16s and FCN-8s.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, figure 3: a 1×1
convolution scores the classes on the coarsest map, which is interpolated; finer maps are scored as well and added,
their scores beginning at zero, so that FCN-16s begins as FCN-32s. Transposed convolutions between maps begin bilinear
and are learnt; the last one stays bilinear.

Departures: any encoder of maps at strides 8, 16 and 32 takes the place of VGG-16 and its two layers of 4,096 units; and
all heads are trained at once rather than one after the other.
"""

from __future__ import annotations

from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder
from seetell.nn.upsampling import BilinearUpsampling

STRIDES = {"fcn32s": (32,), "fcn16s": (16, 32), "fcn8s": (8, 16, 32)}
"""The maps that are scored, by the name of the network."""


class Fcn(nn.Module):
    """The head of a fully convolutional network.

    Args:
        encoder: whose maps are scored.
        classes: ``K``.
        name: a key of :data:`STRIDES`.
        dropout: probability of zeroing a channel of the coarsest map in training.

    Raises:
        RecipeError: the encoder has no map at one of the strides.
    """

    def __init__(self, encoder: Encoder, classes: int, *, name: str, dropout: float) -> None:
        super().__init__()
        self.strides = STRIDES[name]
        published = encoder.feature_map_channels
        if not set(self.strides) <= set(published):
            raise RecipeError(
                f"segmentation.model: {name} needs maps at strides {list(self.strides)}, and {encoder.name} has them "
                f"at {list(published)}; choose another encoder or another model"
            )
        channels = [published[stride] for stride in self.strides]
        self.dropout = nn.Dropout2d(dropout)
        self.scores = nn.ModuleList(nn.Conv2d(count, classes, 1) for count in channels)
        self.upsamplings = nn.ModuleList(BilinearUpsampling(classes, 2, learnt=True) for _ in self.strides[1:])
        self.last = BilinearUpsampling(classes, self.strides[0], learnt=False)
        for score in list(self.scores)[:-1]:
            for parameter in score.parameters():
                nn.init.zeros_(parameter)

    def segment(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return logits ``(B, K, H, W)`` of images ``(B, 3, H, W)``."""
        maps = list(encoder.feature_maps(images, self.strides).values())
        scores = self.scores[-1](self.dropout(maps[-1]))
        for place in reversed(range(len(maps) - 1)):
            finer = self.scores[place](maps[place])
            scores = finer + self.upsamplings[place](scores, (finer.shape[2], finer.shape[3]))
        logits: Tensor = self.last(scores, (images.shape[2], images.shape[3]))
        return logits
