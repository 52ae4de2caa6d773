"""A linear layer on an encoder's pooled vector."""

from __future__ import annotations

from torch import nn

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.training.config import RunConfig
from seetell_brightness.data import LABELS


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> nn.Sequential:
    """Create the model of a run, ``pooled (B, D)`` → ``logits (B, 2)``, with random weights."""
    section = config.section
    return nn.Sequential(nn.Dropout(section.dropout), nn.Linear(encoder.channels, len(LABELS), bias=section.bias))
