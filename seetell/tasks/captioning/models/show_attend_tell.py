"""Show, Attend and Tell: an LSTM with soft or hard attention to the grid before every word.

Xu et al., "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", ICML 2015. Attention weights
α_t over the grid's annotation vectors a_i depend on the hidden vector h_{t−1} (equations 4–5); h_0 and c_0 are made of
the mean annotation vector; the next word is scored by L_o (E y_{t−1} + L_h h_t + L_z ẑ_t) (equation 7).

- **soft** attention reads the expected annotation, ẑ_t = β_t Σ_i α_ti a_i with the gate β_t = σ(f_β(h_{t−1})). Its loss
  adds λ Σ_i (1 − Σ_t α_ti)² per sentence, so that no part of the image is skipped (equation 14).
- **hard** attention reads one annotation, sampled from α_t; sampling is trained by REINFORCE with a moving-average
  baseline and an entropy bonus (section 4.1). In prediction both read the expectation.

Departures: the encoder's vectors are standardised and projected before they are annotations; hard attention is gated
like soft; the reward of a sampled location is the log-likelihood of the words from its own on, which it can change, and
not of those before; and the baseline is per word, times the number of words to come. The last two leave the gradient's
expectation as it is and reduce its variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.config import check_not_negative, check_shares
from seetell.errors import RecipeError, unknown
from seetell.nn.backbones import Features
from seetell.nn.recurrent import lstm
from seetell.tasks.captioning.models.attentive_lstm import (
    AttentionTransform,
    AttentiveLSTM,
    AttentiveLSTMConfig,
    SequenceOutput,
    StepOutput,
)
from seetell.tasks.captioning.models.captioner import (
    IGNORE_INDEX,
    Average,
    DecoderStart,
    SoftTargets,
    token_cross_entropy,
)

Attention = Literal["soft", "hard"]
BASELINE_DECAY = 0.9


@dataclass(frozen=True)
class ShowAttendTellConfig(AttentiveLSTMConfig):
    """Settings of Show, Attend and Tell.

    Attributes:
        attention: ``soft`` or ``hard``.
        doubly_stochastic: λ, the weight of the penalty on locations attended to too little or too much. Likelihood and
            penalty are summed over a sentence, as in the paper, and their sum is divided by the number of words.
        soft_fraction: of ``hard``: the fraction of sentences that read the expected annotation in training, as soft
            attention would, instead of sampled ones.
        reinforce: of ``hard``: the weight of the REINFORCE term (λ_r).
        entropy: of ``hard``: the weight of the attention's entropy in nats, which keeps it from collapsing too early
            (λ_e).
    """

    attention: Attention = "soft"
    doubly_stochastic: float = 1.0
    soft_fraction: float = 0.5
    reinforce: float = 1.0
    entropy: float = 0.002

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.attention not in get_args(Attention):
            raise RecipeError(f"attention: {unknown('attention', self.attention, get_args(Attention))}")
        check_not_negative(self, "doubly_stochastic", "reinforce", "entropy")
        check_shares(self, "soft_fraction")


class ShowAttendTell(AttentiveLSTM):
    """Show, Attend and Tell."""

    baseline: Tensor

    def __init__(self, config: ShowAttendTellConfig, *, feature_size: int, vocabulary_size: int) -> None:
        super().__init__(
            config, feature_size=feature_size, vocabulary_size=vocabulary_size, output_size=config.embedding_size
        )
        self.config = config
        hidden, annotation = config.hidden_size, config.annotation_size
        self.first_hidden, self.first_cell = nn.Linear(feature_size, hidden), nn.Linear(feature_size, hidden)
        self.context_gate = nn.Linear(hidden, 1)
        self.gates = nn.Linear(hidden + annotation, 4 * hidden, bias=False)
        self.deep_output = nn.Linear(hidden + annotation, config.embedding_size, bias=False)  # L_h and L_z
        # kept with soft attention too, so that hard attention can start from soft attention's weights
        self.register_buffer("baseline", torch.tensor(-math.log(vocabulary_size)))

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            Memory: annotations ``(B, L, annotation_size)`` and their keys ``(B, L, attention_size)``. State: hidden and
            cell vectors, ``(B, hidden_size)``.
        """
        mean = self._mean_annotation(features)
        state = torch.tanh(self.first_hidden(mean)), torch.tanh(self.first_cell(mean))
        return DecoderStart(self._annotations(features), state)

    def loss(
        self,
        features: Features,
        inputs: Tensor,
        targets: Tensor,
        *,
        label_smoothing: float,
        soft_targets: SoftTargets | None = None,
        average: Average = torch.mean,
    ) -> Tensor:
        """Return the mean cross-entropy of a real word plus the coverage penalty per word.

        With hard attention its gradient includes those of the REINFORCE and entropy terms, which are left out of its
        value: the value of a REINFORCE term means nothing.
        """
        hard = self.config.attention == "hard"
        output = self._forward_sequence(
            features, inputs, targets, self._sampled_attention(inputs) if hard else torch.exp
        )
        words, real = targets[targets != IGNORE_INDEX], (targets != IGNORE_INDEX).flatten(0, 1)
        loss = token_cross_entropy(
            output.logits, words, label_smoothing=label_smoothing, soft_targets=soft_targets, average=average
        )
        penalty = coverage_penalty(output.log_weights.exp() * real[:, :, None]).sum()
        loss = loss + self.config.doubly_stochastic * penalty / len(words)
        if hard:
            objective = self._reinforce_objective(output, words, real)
            loss = loss - (objective - objective.detach())
        return loss

    def _sampled_attention(self, inputs: Tensor) -> AttentionTransform:
        """Return a transform that samples locations for a random part of the sentences."""
        sentences = inputs.shape[0] * inputs.shape[1]
        sampled = torch.rand(sentences, device=inputs.device) >= self.config.soft_fraction
        return lambda log_weights: torch.where(
            sampled[: len(log_weights), None], sample_locations(log_weights), log_weights.exp()
        )

    def _reinforce_objective(self, output: SequenceOutput, words: Tensor, real: Tensor) -> Tensor:
        """Weight each sampled location's log-probability by its advantage: the words' log-likelihood over the baseline.

        Where the expectation was read, the gradient is zero: Σ_i α_i ∇ log α_i = ∇ Σ_i α_i = 0.
        """
        logprobs = -F.cross_entropy(output.logits.detach(), words, reduction="none")  # (M,)
        advantage = torch.zeros_like(real, dtype=logprobs.dtype)  # (N, T)
        advantage[real] = logprobs - self.baseline
        advantage = advantage.flip(1).cumsum(1).flip(1)
        log_sampled = (output.attention_weights.detach() * output.log_weights).sum(dim=2)  # (N, T), log α
        entropy = -(output.log_weights.exp() * output.log_weights).sum(dim=2)
        objective = self.config.reinforce * advantage * log_sampled + self.config.entropy * entropy
        self.baseline.mul_(BASELINE_DECAY).add_((1 - BASELINE_DECAY) * logprobs.mean())
        return objective[real].mean()

    def _step(
        self, gates: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...], transform: AttentionTransform
    ) -> StepOutput:
        (annotations, keys), (h, c) = memory, state
        log_weights = self.attention(h, keys)
        attention_weights = transform(log_weights)
        attended = (attention_weights[:, None] @ annotations)[:, 0]  # (N, annotation_size)
        context = torch.sigmoid(self.context_gate(h)) * attended
        h, c = lstm(gates + self.gates(torch.cat([h, context], dim=1)), c)
        return StepOutput(torch.cat([h, context], dim=1), (h, c), log_weights, attention_weights)

    def _score(self, words: Tensor, output_features: Tensor) -> Tensor:
        logits: Tensor = self.output(self.dropout(words + self.deep_output(output_features)))
        return logits


def coverage_penalty(weights: Tensor) -> Tensor:
    """Return Σ_i (1 − Σ_t α_ti)² per sentence, ``(N,)``.

    Args:
        weights: α, ``(N, T, L)``, zero in padding.
    """
    return (1 - weights.sum(dim=1)).square().sum(dim=1)


def sample_locations(log_weights: Tensor) -> Tensor:
    """Sample one location per row of log-probabilities ``(N, L)``; return one-hot rows, ``(N, L)``."""
    locations = torch.multinomial(log_weights.detach().exp(), 1)
    return torch.zeros_like(log_weights).scatter(1, locations, 1.0)
