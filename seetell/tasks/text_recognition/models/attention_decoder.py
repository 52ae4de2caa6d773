"""A recogniser that writes a text character by character, attending to the columns of the picture.

Shi, Wang, Lyu, Yao & Bai, "Robust Scene Text Recognition with Automatic Rectification", CVPR 2016, section 3.2: two
bidirectional LSTMs encode the columns; a GRU, whose attention is that of Bahdanau, Cho & Bengio, "Neural Machine
Translation by Jointly Learning to Align and Translate", ICLR 2015, writes until it writes the end. Departure: the
spatial transformer before it is left out.

Letters: ``B`` pictures, ``T`` columns, ``S`` characters of the longest text, ``H`` units, ``V`` classes: the characters
from 1 on, and 0, the end of a text.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_probabilities, check_sizes
from seetell.language.ctc_search import Text
from seetell.nn.attention import AdditiveAttention
from seetell.nn.recurrent import RecurrentStack
from seetell.tasks.text_recognition.greedy_text import greedy_texts
from seetell.tasks.text_recognition.models.recogniser import TextRecogniser


@dataclass(frozen=True)
class AttentionDecoderConfig:
    """Sizes of the layers.

    Attributes:
        hidden_size: units of the GRU, and of each direction of the LSTMs.
        layers: bidirectional LSTMs.
        attention_size: hidden units of the attention.
        embedding_size: length of the vector of a character that was written.
        dropout: probability of zeroing an element of what the LSTMs and the output layer read, in training.
    """

    hidden_size: int = 256
    layers: int = 2
    attention_size: int = 256
    embedding_size: int = 128
    dropout: float = 0.0

    def __post_init__(self) -> None:
        check_sizes(self, "hidden_size", "layers", "attention_size", "embedding_size")
        check_probabilities(self, "dropout")


class AttentionDecoder(TextRecogniser):
    """Log-probabilities of each character, given those before it.

    Args:
        config: sizes.
        feature_size: ``D`` of the columns.
        characters: ``V`` − 1.
        longest: most characters of a text.
    """

    def __init__(self, config: AttentionDecoderConfig, *, feature_size: int, characters: int, longest: int) -> None:
        super().__init__()
        hidden = config.hidden_size
        self.longest = longest
        self.dropout = nn.Dropout(config.dropout)
        self.encoder = nn.LSTM(
            feature_size,
            hidden,
            num_layers=config.layers,
            dropout=config.dropout if config.layers > 1 else 0.0,
            batch_first=True,
            bidirectional=True,
        )
        self.attention = AdditiveAttention(hidden, 2 * hidden, width=config.attention_size)
        self.embedding = nn.Embedding(characters + 1, config.embedding_size)  # that of the end also begins a text
        self.decoder = RecurrentStack("gru", inputs=config.embedding_size + 2 * hidden, hidden=hidden)
        self.output = nn.Linear(hidden, characters + 1)

    def forward(self, columns: Tensor) -> Tensor:
        """Write the most likely character at each step.

        Args:
            columns: ``(B, T, D)``.

        Returns:
            Log-probabilities at each step, ``(B, longest + 1, V)``; those behind the end mean nothing.
        """
        vectors, keys = self._encoded(columns)
        state = vectors.new_zeros(vectors.shape[0], self.decoder.state_size)
        written = torch.zeros_like(vectors[:, 0, 0], dtype=torch.int64)
        steps = []
        for _ in range(self.longest + 1):
            log_probs, state = self._step(written, state, vectors, keys)
            written = log_probs.argmax(dim=1)
            steps.append(log_probs)
        return torch.stack(steps, dim=1)

    def losses(self, columns: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
        """Return the negative log-likelihood of each text and its end, the true characters before each being given."""
        vectors, keys = self._encoded(columns)
        state = vectors.new_zeros(vectors.shape[0], self.decoder.state_size)
        following = F.pad(targets, (0, 1))  # (B, S + 1), the end behind each text
        before = F.pad(targets, (1, 0))
        losses = []
        for step in range(following.shape[1]):
            log_probs, state = self._step(before[:, step], state, vectors, keys)
            loss = F.nll_loss(log_probs, following[:, step], reduction="none")
            losses.append(loss.masked_fill(step > lengths, 0.0))
        return torch.stack(losses).sum(dim=0)

    def read(self, columns: Tensor) -> list[tuple[Text, float]]:
        """Return what is written greedily."""
        return greedy_texts(self(columns).cpu().numpy())

    def _encoded(self, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Return the vectors that are attended to, ``(B, T, 2·H)``, and their keys."""
        vectors = self.encoder(self.dropout(columns))[0].float()
        return vectors, self.attention.keys(vectors)

    def _step(self, written: Tensor, state: Tensor, vectors: Tensor, keys: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log-probabilities ``(B, V)`` of the next character, and the next state.

        The attention's query is the state before the step, as in the papers.
        """
        weights = self.attention(state, keys).exp()
        glimpse = (weights[:, None] @ vectors)[:, 0]
        hidden, state = self.decoder.step(torch.cat([self.embedding(written), glimpse], dim=1), state)
        return torch.log_softmax(self.output(self.dropout(hidden)).float(), dim=1), state
