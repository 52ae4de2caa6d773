"""Classifiers on the features of an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.classification.models.linear import LinearClassifier

if TYPE_CHECKING:
    from seetell.training.config import RunConfig


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> LinearClassifier:
    """Create the classifier of a run, with random weights."""
    section = config.section
    return LinearClassifier(encoder.channels, len(section.labels), dropout=section.dropout)
