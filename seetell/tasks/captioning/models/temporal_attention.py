"""Temporal attention: before every word an LSTM attends to the frames of a video.

Yao, Torabi, Cho, Ballas, Pal, Larochelle and Courville, "Describing Videos by Exploiting Temporal Structure", ICCV
2015, sections 3.2 and 4.1: the relevance of frame i to the next word is e_i = wᵀ tanh(W h_{t−1} + U v_i + b), its
weight the softmax of that, and the LSTM's gates read the word before, h_{t−1} and the weighted sum φ_t of the frames'
vectors; the next word is scored by U_p tanh(W_p [h_t; φ_t; E y_{t−1}] + b_p) + d.

Departures: the frames' vectors are standardised and projected; the paper's second kind of vectors, of motion by a 3-D
network, is absent; and h_0 and c_0 are made of the mean frame, as in Show, Attend and Tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.nn.backbones import Features
from seetell.nn.recurrent import lstm
from seetell.tasks.captioning.models.attentive_lstm import (
    AttentionTransform,
    AttentiveLSTM,
    AttentiveLSTMConfig,
    StepOutput,
)
from seetell.tasks.captioning.models.captioner import DecoderStart


@dataclass(frozen=True)
class TemporalAttentionConfig(AttentiveLSTMConfig):
    """Settings of temporal attention; locations are frames."""


class TemporalAttention(AttentiveLSTM):
    """Captioner that attends to frames, the rows of ``Features.grid``."""

    def __init__(self, config: TemporalAttentionConfig, *, feature_size: int, vocabulary_size: int) -> None:
        embedding, hidden, annotation = config.embedding_size, config.hidden_size, config.annotation_size
        super().__init__(config, feature_size=feature_size, vocabulary_size=vocabulary_size, output_size=embedding)
        self.config = config
        self.first_hidden, self.first_cell = nn.Linear(feature_size, hidden), nn.Linear(feature_size, hidden)
        self.gates = nn.Linear(hidden + annotation, 4 * hidden, bias=False)
        self.deep_output = nn.Linear(hidden + annotation, embedding)  # W_p, b_p
        self.deep_words = nn.Linear(embedding, embedding, bias=False)  # its part of the word

    def start(self, features: Features) -> DecoderStart:
        """Read the videos.

        Returns:
            Memory: vectors of the frames ``(B, L, annotation_size)`` and their keys ``(B, L, attention_size)``. State:
            hidden and cell vectors, ``(B, hidden_size)``.
        """
        mean = self._mean_annotation(features)
        state = torch.tanh(self.first_hidden(mean)), torch.tanh(self.first_cell(mean))
        return DecoderStart(self._annotations(features), state)

    def _step(
        self, gates: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...], transform: AttentionTransform
    ) -> StepOutput:
        (frames, keys), (h, c) = memory, state
        log_weights = self.attention(h, keys)
        weights = transform(log_weights)
        context = (weights[:, None] @ frames)[:, 0]  # φ_t, (N, annotation_size)
        h, c = lstm(gates + self.gates(torch.cat([h, context], dim=1)), c)
        return StepOutput(torch.cat([h, context], dim=1), (h, c), log_weights, weights)

    def _score(self, words: Tensor, output_features: Tensor) -> Tensor:
        deep = torch.tanh(self.deep_output(output_features) + self.deep_words(words))
        logits: Tensor = self.output(self.dropout(deep))
        return logits
