"""The networks that a recipe can name."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from torch import Tensor, nn

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.segmentation.models.fcn import STRIDES, Fcn
from seetell.tasks.segmentation.models.segnet import SegNet
from seetell.tasks.segmentation.models.unet import UNet
from seetell.training.config import RunConfig


class Segmenter(Protocol):
    """What every network of this task is."""

    def segment(self, encoder: Encoder, images: Tensor) -> Tensor:
        """Return logits ``(B, K, H, W)`` of images ``(B, 3, H, W)``."""


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> nn.Module:
    """Create the head of a run's network with random weights, and give the encoder the run's size of images.

    Args:
        config: of the run, with the names of its classes.
        encoder: its encoder.
        vocabulary: none.

    Raises:
        RecipeError: the encoder does not suit the network.
    """
    section = config.section
    height, width = section.size
    encoder.preprocessing = replace(encoder.preprocessing, height=height, width=width, fit="pad")
    classes = len(section.labels)
    if section.model in STRIDES:
        return Fcn(encoder, classes, name=section.model, dropout=section.dropout)
    if section.model == "segnet":
        return SegNet(encoder, classes, dropout=section.dropout)
    return UNet(encoder, classes, channels=section.channels, dropout=section.dropout)
