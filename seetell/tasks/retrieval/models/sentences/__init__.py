"""Sentence encoders: from the vectors of a sentence's words to vectors that know the words around them."""

from __future__ import annotations

from seetell.errors import RecipeError, unknown
from seetell.tasks.retrieval.models.sentences.brnn import PaperBrnn
from seetell.tasks.retrieval.models.sentences.convolution import Convolution
from seetell.tasks.retrieval.models.sentences.encoder import SentenceEncoder, padding_mask
from seetell.tasks.retrieval.models.sentences.gru import Gru
from seetell.tasks.retrieval.models.sentences.transformer import SelfAttention

__all__ = ["SENTENCE_ENCODERS", "SentenceEncoder", "create_sentence_encoder", "padding_mask"]

SENTENCE_ENCODERS = ("brnn", "gru", "transformer", "convolution")


def create_sentence_encoder(name: str, *, inputs: int, hidden: int, layers: int, heads: int) -> SentenceEncoder:
    """Make a sentence encoder.

    Args:
        name: ``brnn`` (Deep Visual-Semantic Alignments), ``gru``, ``transformer`` or ``convolution``.
        inputs: length of a word vector.
        hidden: hidden units.
        layers: of the Transformer; the others have one.
        heads: of the Transformer.

    Raises:
        RecipeError: the name is unknown.
    """
    if name == "brnn":
        return PaperBrnn(inputs, hidden)
    if name == "gru":
        return Gru(inputs, hidden)
    if name == "convolution":
        return Convolution(inputs, hidden)
    if name == "transformer":
        return SelfAttention(inputs, hidden, layers=layers, heads=heads)
    raise RecipeError(f"aligner.sentence: {unknown('sentence encoder', name, SENTENCE_ENCODERS)}")
