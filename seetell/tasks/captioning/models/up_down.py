"""Up-Down: one LSTM attends, a second one generates.

Anderson et al., "Bottom-Up and Top-Down Attention for Image Captioning and Visual Question Answering", CVPR 2018,
section 3.2. The attention LSTM reads [h²_{t−1}; v̄; W_e y_{t−1}]; from its hidden vector h¹_t come the additive
attention weights over the vectors v_i (equations 3–5); the language LSTM reads [Σ_i α_ti v_i; h¹_t]; the next word is
scored by W_p h²_t + b_p (equation 7).

Departure: the v_i are the encoder's grid, standardised and projected, where the paper has detected regions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.nn.backbones import Features
from seetell.nn.recurrent import init_forget_bias, lstm
from seetell.tasks.captioning.models.attentive_lstm import (
    AttentionTransform,
    AttentiveLSTM,
    AttentiveLSTMConfig,
    StepOutput,
)
from seetell.tasks.captioning.models.captioner import DecoderStart


@dataclass(frozen=True)
class UpDownConfig(AttentiveLSTMConfig):
    """Settings of Up-Down; ``hidden_size`` is that of both LSTMs."""


class UpDown(AttentiveLSTM):
    """Up-Down."""

    def __init__(self, config: UpDownConfig, *, feature_size: int, vocabulary_size: int) -> None:
        hidden, annotation = config.hidden_size, config.annotation_size
        super().__init__(config, feature_size=feature_size, vocabulary_size=vocabulary_size, output_size=hidden)
        self.config = config
        self.mean_gates = nn.Linear(feature_size, 4 * hidden, bias=False)
        self.attention_gates = nn.Linear(2 * hidden, 4 * hidden, bias=False)
        self.language_gates = nn.Linear(annotation + 2 * hidden, 4 * hidden)
        init_forget_bias(self.language_gates.bias, config.forget_bias)

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            Memory: annotations ``(B, L, annotation_size)``, their keys ``(B, L, attention_size)``, and v̄'s part of the
            attention LSTM's gates, ``(B, 4·hidden_size)``. State: zeros, hidden and cell vectors of the attention
            LSTM, then of the language LSTM, ``(B, hidden_size)``.
        """
        mean = self._mean_annotation(features)
        zeros = mean.new_zeros(mean.shape[0], self.config.hidden_size)
        return DecoderStart((*self._annotations(features), self.mean_gates(mean)), (zeros, zeros, zeros, zeros))

    def _step(
        self, gates: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...], transform: AttentionTransform
    ) -> StepOutput:
        (annotations, keys, mean), (h1, c1, h2, c2) = memory, state
        h1, c1 = lstm(gates + mean + self.attention_gates(torch.cat([h2, h1], dim=1)), c1)
        log_weights = self.attention(h1, keys)
        attention_weights = transform(log_weights)
        attended = (attention_weights[:, None] @ annotations)[:, 0]  # (N, annotation_size)
        h2, c2 = lstm(self.language_gates(torch.cat([attended, h1, h2], dim=1)), c2)
        return StepOutput(h2, (h1, c1, h2, c2), log_weights, attention_weights)

    def _score(self, words: Tensor, output_features: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(output_features))
        return logits
