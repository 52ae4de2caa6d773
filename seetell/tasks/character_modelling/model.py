"""char-rnn: recurrent layers that predict the next character of a text from all that came before.

Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks", 2015, and his program char-rnn, whose initial
weights these are: uniform from −0.08 to 0.08, and forget gates that are open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.nn.recurrent import Cell, RecurrentStack, init_forget_bias

if TYPE_CHECKING:
    from seetell.training.config import RunConfig

INITIAL = 0.08
"""The largest initial weight."""


class CharRnn(nn.Module):
    """A model of characters.

    Args:
        characters: ``V``, how many there are.
        cell: of the recurrent layers.
        hidden: length of a hidden vector.
        layers: of cells.
        embedding: length of a character's vector; 0 for one-hot vectors of length ``V``.
        dropout: on each layer's hidden vectors.
        forget_bias: initial bias of an LSTM's forget gates.
    """

    def __init__(
        self,
        characters: int,
        *,
        cell: Cell = "lstm",
        hidden: int = 128,
        layers: int = 2,
        embedding: int = 0,
        dropout: float = 0.0,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        self.characters = characters
        self.embedding = nn.Embedding(characters, embedding) if embedding else None
        self.recurrent = RecurrentStack(
            cell, inputs=embedding or characters, hidden=hidden, layers=layers, dropout=dropout
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, characters)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INITIAL, INITIAL)
        if cell == "lstm":
            for layer in range(layers):
                init_forget_bias(getattr(self.recurrent.fused, f"bias_ih_l{layer}"), forget_bias)

    def forward(self, codes: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Predict what follows each character.

        Args:
            codes: numbers of characters, ``(N, T)`` int64.
            state: that an earlier part of the texts ended in, ``(N, S)``; ``None`` at the beginning.

        Returns:
            Logits ``(N, T, V)`` and the state ``(N, S)`` behind the last character.
        """
        hidden, state = self.recurrent.run(self._vectors(codes), state)
        logits: Tensor = self.output(self.dropout(hidden))
        return logits, state

    def step(self, codes: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Predict what follows one character each, ``(N,)`` int64: logits ``(N, V)`` and the next state ``(N, S)``."""
        hidden, state = self.recurrent.step(self._vectors(codes), state)
        return self.output(hidden), state

    def _vectors(self, codes: Tensor) -> Tensor:
        if self.embedding is not None:
            vectors: Tensor = self.embedding(codes)
            return vectors
        return F.one_hot(codes, self.characters).to(torch.float32)


def build(config: RunConfig, encoder: Encoder, vocabulary: Vocabulary | None) -> CharRnn:
    """Create the model of a run with random weights."""
    section = config.section
    return CharRnn(
        len(section.characters),
        cell=section.cell,
        hidden=section.hidden,
        layers=section.layers,
        embedding=section.embedding,
        dropout=section.dropout,
        forget_bias=section.forget_bias,
    )
