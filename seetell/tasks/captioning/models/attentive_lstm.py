"""The common part of LSTM captioners that attend to the grid before every word.

A subclass defines how a word changes the state (``_step``) and how the next word is scored (``_score``); whole
sentences in training and single words in decoding go through the same two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seetell.config import check_probabilities, check_sizes
from seetell.nn.attention import AdditiveAttention
from seetell.nn.backbones import Features
from seetell.nn.recurrent import init_forget_bias
from seetell.nn.standardisation import Standardise
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner, DecoderStep, output_layer

AttentionTransform = Callable[[Tensor], Tensor]
"""Maps log attention weights ``(N, L)`` to the weights that annotations are summed with; mostly ``exp``."""


@dataclass(frozen=True)
class AttentiveLSTMConfig:
    """Sizes and regularisation.

    Attributes:
        embedding_size: length of a word's vector.
        hidden_size: length of an LSTM's hidden vector.
        annotation_size: length to which the encoder's vector of each location is projected.
        attention_size: hidden units of the attention.
        dropout: probability of zeroing an element of the output layer's input.
        input_dropout: the same for word vectors.
        feature_dropout: the same for the image's features.
        forget_bias: initial bias of forget gates.
    """

    embedding_size: int = 256
    hidden_size: int = 512
    annotation_size: int = 512
    attention_size: int = 256
    dropout: float = 0.5
    input_dropout: float = 0.0
    feature_dropout: float = 0.0
    forget_bias: float = 2.0

    def __post_init__(self) -> None:
        check_sizes(self, "embedding_size", "hidden_size", "annotation_size", "attention_size")
        check_probabilities(self, "dropout", "input_dropout", "feature_dropout")


class SequenceOutput(NamedTuple):
    """The output over ``N`` sentences of up to ``T`` words; values beyond a sentence's end are arbitrary.

    Attributes:
        logits: of the next word at the ``M`` real positions, ``(M, V)``.
        log_weights: logarithms of the attention weights, ``(N, T, L)``.
        attention_weights: the weights that annotations were summed with, ``(N, T, L)``.
    """

    logits: Tensor
    log_weights: Tensor
    attention_weights: Tensor


class StepOutput(NamedTuple):
    """The output of one step in ``N`` sentences.

    Attributes:
        output_features: the output layer's input, ``(N, S)``.
        state: the next state.
        log_weights: logarithms of the attention weights, ``(N, L)``.
        attention_weights: the weights that annotations were summed with, ``(N, L)``.
    """

    output_features: Tensor
    state: tuple[Tensor, ...]
    log_weights: Tensor
    attention_weights: Tensor


class AttentiveLSTM(Captioner):
    """An LSTM captioner with additive attention to the grid.

    The grid is standardised feature by feature and projected once per image. Word vectors start with unit variance. The
    output layer reads vectors of the length ``output_size``, ``S``.
    """

    uses_grid = True
    attends = True

    def __init__(
        self, config: AttentiveLSTMConfig, *, feature_size: int, vocabulary_size: int, output_size: int
    ) -> None:
        super().__init__()
        self.grid_norm, self.pooled_norm = Standardise(feature_size), Standardise(feature_size)
        self.annotation = nn.Linear(feature_size, config.annotation_size)
        self.attention = AdditiveAttention(config.hidden_size, config.annotation_size, width=config.attention_size)
        self.word_embedding = nn.Embedding(vocabulary_size, config.embedding_size)
        self.word_gates = nn.Linear(config.embedding_size, 4 * config.hidden_size)
        init_forget_bias(self.word_gates.bias, config.forget_bias)
        self.output = output_layer(output_size, vocabulary_size)
        self.feature_dropout = nn.Dropout(config.feature_dropout)
        self.input_dropout = nn.Dropout(config.input_dropout)
        self.dropout = nn.Dropout(config.dropout)

    def fit_normalisation(self, features: Features) -> None:
        """Measure the features' means and deviations on training images."""
        assert features.grid is not None
        self.grid_norm.fit(features.grid)
        self.pooled_norm.fit(features.pooled)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`."""
        return self._forward_sequence(features, inputs, targets).logits

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`."""
        words = self.word_embedding(tokens)
        step = self._step(self.word_gates(words), tuple(part[photos] for part in memory), state, torch.exp)
        logprobs = torch.log_softmax(self._score(words, step.output_features), dim=1)
        return DecoderStep(logprobs, step.state, step.log_weights.exp())

    def _annotations(self, features: Features) -> tuple[Tensor, Tensor]:
        """Return the annotation vectors ``(B, L, annotation_size)`` and their keys ``(B, L, attention_size)``."""
        assert features.grid is not None
        annotations = self.annotation(self.feature_dropout(self.grid_norm(features.grid)))
        return annotations, self.attention.keys(annotations)

    def _mean_annotation(self, features: Features) -> Tensor:
        """Return the mean of the encoder's vectors over locations, standardised over images, ``(B, D)``."""
        mean: Tensor = self.feature_dropout(self.pooled_norm(features.pooled))
        return mean

    def _forward_sequence(
        self, features: Features, inputs: Tensor, targets: Tensor, transform: AttentionTransform = torch.exp
    ) -> SequenceOutput:
        """Read whole sentences, ``(B, C, T)``; each step computes only those that have not ended."""
        captions, steps = inputs.shape[1:]
        real = (targets != IGNORE_INDEX).flatten(0, 1)  # (N, T), N = B·C
        words = self.input_dropout(self.word_embedding(inputs.flatten(0, 1)))
        lengths = real.sum(dim=1).clamp(min=1).cpu()
        packed = pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)  # longest first
        assert packed.sorted_indices is not None
        photos = packed.sorted_indices // captions
        memory, state = (tuple(part[photos] for part in parts) for parts in self.start(features))
        outputs: list[tuple[Tensor, Tensor, Tensor]] = []
        for gates in self.word_gates(packed.data).split(packed.batch_sizes.tolist()):
            memory, state = (tuple(part[: len(gates)] for part in parts) for parts in (memory, state))
            output_features, state, log_weights, attention_weights = self._step(gates, memory, state, transform)
            outputs.append((output_features, log_weights, attention_weights))
        output_features, log_weights, attention_weights = (
            pad_packed_sequence(packed._replace(data=torch.cat(parts)), batch_first=True, total_length=steps)[0]
            for parts in zip(*outputs, strict=True)
        )
        return SequenceOutput(self._score(words[real], output_features[real]), log_weights, attention_weights)

    def _step(
        self, gates: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...], transform: AttentionTransform
    ) -> StepOutput:
        """Read one word per row.

        Args:
            gates: the words' part of the first LSTM's gates, ``(N, 4·hidden_size)``.
            memory: as :meth:`start` returned it, but one row per sentence.
            state: one row per sentence.
            transform: see :data:`AttentionTransform`.
        """
        raise NotImplementedError

    def _score(self, words: Tensor, output_features: Tensor) -> Tensor:
        """Return logits ``(N, V)`` from the words read ``(N, embedding_size)`` and a step's ``output_features``."""
        raise NotImplementedError
