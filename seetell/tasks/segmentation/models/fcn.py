"""Fully convolutional networks: FCN-32s, FCN-16s and FCN-8s.

Long, Shelhamer & Darrell, "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015, figure 3: a 1×1
convolution scores the classes on the coarsest map, which is interpolated; finer maps are scored as well and added,
their scores beginning at zero. Transposed convolutions between maps begin bilinear and are learnt; the last one stays
bilinear. So an FCN-16s whose run is initialised from an FCN-32s begins as that network, and FCN-8s as FCN-16s; this is
how the paper trains them (section 4.2), and what the ``init_from`` of recipes does.

Departure: any encoder of maps at strides 8, 16 and 32 takes the place of VGG-16 and its two layers of 4,096 units.
"""

from __future__ import annotations

from itertools import pairwise

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
        self.scores = nn.ModuleDict(
            {str(stride): nn.Conv2d(count, classes, 1) for stride, count in zip(self.strides, channels, strict=True)}
        )
        self.upsamplings = nn.ModuleDict(
            {str(stride): BilinearUpsampling(classes, 2, learnt=True) for stride in self.strides[1:]}
        )
        self.last = BilinearUpsampling(classes, self.strides[0], learnt=False)
        for stride in self.strides[:-1]:
            for parameter in self.scores[str(stride)].parameters():
                nn.init.zeros_(parameter)

    def segment(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return logits ``(B, K, H, W)`` of images ``(B, 3, H, W)``."""
        maps = encoder.feature_maps(images, self.strides)
        coarsest = self.strides[-1]
        scores = self.scores[str(coarsest)](self.dropout(maps[coarsest]))
        for fine, coarse in reversed(list(pairwise(self.strides))):
            finer = self.scores[str(fine)](maps[fine])
            scores = finer + self.upsamplings[str(coarse)](scores, (finer.shape[2], finer.shape[3]))
        logits: Tensor = self.last(scores, (images.shape[2], images.shape[3]))
        return logits
