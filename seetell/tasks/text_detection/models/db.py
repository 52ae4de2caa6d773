"""DB: a map of how likely text is, binarised by a threshold that is learnt, too.

Liao, Wan, Yao, Chen & Bai, "Real-Time Scene Text Detection with Differentiable Binarization", AAAI 2020. Departures:
the maps have half the resolution of the image, so that two convolutions behind the pyramid are enough; cells are
interpolated, not transposed convolutions; and the losses of the three maps are means over what they look at.

Letters: ``B`` images, ``h`` × ``w`` cells of the maps, at a stride of 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_positive, check_sizes
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.nn.feature_pyramid import FeaturePyramid
from seetell.training.config import RunConfig

STRIDES = (4, 8, 16, 32)
"""Of the encoder's maps that are read."""

STRIDE = 2
"""Of the maps that are predicted."""


@dataclass(frozen=True)
class DbConfig:
    """Sizes of the layers and weights of the losses.

    Attributes:
        width: channels of each map of the pyramid.
        head_width: channels of the first convolution behind it.
        steepness: ``k`` of equation 2, by which the binary map is approximated.
        negatives: cells without text, the hardest ones, that count in the loss per cell with text.
        binary_weight: ``α`` of the binary map's loss.
        threshold_weight: ``β`` of the threshold map's loss.
    """

    width: int = 16
    head_width: int = 24
    steepness: float = 50.0
    negatives: float = 3.0
    binary_weight: float = 1.0
    threshold_weight: float = 5.0

    def __post_init__(self) -> None:
        check_sizes(self, "width", "head_width")
        check_positive(self, "steepness", "negatives")


class TextMaps(NamedTuple):
    """What the network is to predict, or does: each ``(B, h, w)``.

    Attributes:
        text: 1 in the core of each line, 0 elsewhere; or its logits.
        threshold: from 0.3 far from the edges of lines to 0.7 on them; or its logits.
        near_edges: 1 where the threshold is looked at.
    """

    text: Tensor
    threshold: Tensor
    near_edges: Tensor


class Db(nn.Module):
    """The pyramid and the two heads.

    Args:
        config: sizes.
        encoder: with maps at :data:`STRIDES`.
    """

    def __init__(self, config: DbConfig, encoder: Encoder) -> None:
        super().__init__()
        self.config = config
        channels = encoder.feature_map_channels
        self.pyramid = FeaturePyramid({stride: channels[stride] for stride in STRIDES}, width=config.width)
        self.text = _Head(len(STRIDES) * config.width, config.head_width)
        self.threshold = _Head(len(STRIDES) * config.width, config.head_width)

    def features(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return the maps of the pyramid beside each other, at a stride of 4, of images ``(B, 3, H, W)``.

        Height and width are multiples of 32 and one, so that cells of all maps are centred at multiples of the stride.
        """
        maps = encoder.feature_maps(images, STRIDES)
        levels = self.pyramid([maps[stride] for stride in STRIDES])
        size = (levels[0].shape[2], levels[0].shape[3])
        enlarged = [F.interpolate(level, size=size, mode="bilinear", align_corners=True) for level in levels[1:]]
        return torch.cat([levels[0], *enlarged], dim=1)

    def logits(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return logits of text ``(B, h, w)``, all that predicting takes."""
        logits: Tensor = self.text(self.features(encoder, images))
        return logits

    def losses(self, encoder: Encoder, images: Tensor, target: TextMaps) -> dict[str, Tensor]:
        """Return the losses of the three maps, by name, of equations 6 to 8."""
        features = self.features(encoder, images)
        text, threshold = self.text(features).float(), self.threshold(features).float()
        difference = torch.sigmoid(text) - torch.sigmoid(threshold)
        binary = torch.sigmoid(self.config.steepness * difference)
        return {
            "text": balanced_cross_entropy(text, target.text, negatives=self.config.negatives),
            "binary": dice_loss(binary, target.text),
            "threshold": ((torch.sigmoid(threshold) - target.threshold).abs() * target.near_edges).sum()
            / target.near_edges.sum().clamp(min=1),
        }


class _Head(nn.Module):
    """Two convolutions, the second at twice the resolution."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.coarse = nn.Sequential(
            nn.Conv2d(inputs, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.fine = nn.Sequential(
            nn.Conv2d(width, width // 2, 3, padding=1, bias=False), nn.BatchNorm2d(width // 2), nn.ReLU()
        )
        self.output = nn.Conv2d(width // 2, 1, 1)
        assert self.output.bias is not None
        nn.init.constant_(self.output.bias, -2.0)  # most of a picture is no text

    def forward(self, features: Tensor) -> Tensor:
        """Map ``(B, C, h, w)`` to logits ``(B, 2 h − 1, 2 w − 1)``."""
        coarse = self.coarse(features)
        size = (2 * coarse.shape[2] - 1, 2 * coarse.shape[3] - 1)
        fine = F.interpolate(coarse, size=size, mode="bilinear", align_corners=True)
        logits: Tensor = self.output(self.fine(fine))[:, 0]
        return logits


def balanced_cross_entropy(logits: Tensor, target: Tensor, *, negatives: float) -> Tensor:
    """Return the mean over cells of text, and over the hardest of the others, a few times as many (section 3.4).

    Args:
        logits: ``(B, h, w)``.
        target: 0 or 1, ``(B, h, w)``.
        negatives: others per cell of text.
    """
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    positive = target > 0.5
    count = int(positive.sum())
    others = losses[~positive]
    hardest = others.topk(min(len(others), max(int(negatives * count), len(others) // 100 + 1))).values
    return (losses[positive].sum() + hardest.sum()) / (count + len(hardest))


def dice_loss(probabilities: Tensor, target: Tensor) -> Tensor:
    """Return 1 − 2 |P ∩ T| / (|P| + |T|) of maps ``(B, h, w)``, all images together."""
    overlap = (probabilities * target).sum()
    return 1 - 2 * overlap / (probabilities.sum() + target.sum() + 1e-6)


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Db:
    """Create the network of a run, with random weights."""
    return Db(config.section.db, encoder)
