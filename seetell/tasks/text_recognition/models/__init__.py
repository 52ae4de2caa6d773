"""Text recognisers, made by name from their own configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.text_recognition.models.attention_decoder import AttentionDecoder
from seetell.tasks.text_recognition.models.crnn import Crnn
from seetell.tasks.text_recognition.models.recogniser import TextRecogniser, columns_of

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

__all__ = ["TextRecogniser", "build", "columns_of"]


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> TextRecogniser:
    """Create the recogniser of a run, with random weights."""
    section = config.section
    sizes = {"feature_size": encoder.channels, "characters": len(section.characters)}
    if section.architecture == "attention_decoder":
        return AttentionDecoder(section.attention_decoder, longest=section.longest, **sizes)
    return Crnn(section.crnn, **sizes)
