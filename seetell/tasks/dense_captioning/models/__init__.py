"""Networks that detect regions and caption them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.captioning.models import create_captioner
from seetell.tasks.dense_captioning.models.densecap import DenseCap

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

__all__ = ["DenseCap", "build"]


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> DenseCap:
    """Create the dense captioner of a run, with random weights."""
    assert vocabulary is not None
    section = config.section
    captioner = create_captioner(
        section.architecture,
        section.captioner,
        feature_size=section.densecap.feature_size,
        vocabulary_size=len(vocabulary),
        locations=section.densecap.roi_head.output_size**2,
    )
    return DenseCap(
        section.densecap,
        channels=encoder.feature_map_channels,
        image_size=(encoder.preprocessing.height, encoder.preprocessing.width),
        captioner=captioner,
    )
