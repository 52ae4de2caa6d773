"""Networks that embed images and sentences in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.retrieval.models.aligner import Aligner

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

__all__ = ["Aligner", "build"]


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> Aligner:
    """Create the aligner of a run, with random weights."""
    assert vocabulary is not None
    aligner = Aligner(
        config.section.aligner,
        feature_size=encoder.channels,
        grid_size=encoder.grid_size,
        vocabulary_size=len(vocabulary),
    )
    if config.section.ranking.loss != "info_nce":
        aligner.freeze_temperature()
    return aligner
