"""NeuralTalk2: the image is the first word that a recurrent network reads.

Karpathy's NeuralTalk2 (2015), the model of Vinyals et al., *Show and Tell: A Neural Image Caption Generator*, CVPR 2015
(equations 10–12): x_{−1} = CNN(I), x_t = W_e S_t, p_{t+1} = LSTM(x_t).
Departures: START and END have numbers of their own (one is only read and the other only predicted, so nothing changes);
``image_norm`` may standardise the image's vector, which NeuralTalk2 did not: pooled vectors of all images have nearly
one direction, and the differences between images are small beside it; word vectors start with unit variance instead of
within ±0.1, and forget gates start open (``forget_bias``): together these two halve the steps to a given CIDEr-D.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from seetell.config import check_probabilities, check_sizes
from seetell.errors import RecipeError, unknown
from seetell.nn.backbones import Features
from seetell.nn.recurrent import Cell, RecurrentStack
from seetell.nn.standardisation import Standardise
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner, DecoderStart, DecoderStep, output_layer

ImageNorm = Literal["standard", "layer", "none"]


@dataclass(frozen=True)
class NeuralTalk2Config:
    """Sizes and regularisation of NeuralTalk2.

    Attributes:
        embedding_size: length of a word's vector and of the image's (``input_encoding_size``).
        hidden_size: length of the recurrent network's hidden vector (``rnn_size``).
        layers: recurrent layers.
        cell: ``lstm``, ``gru`` or ``rnn``.
        dropout: probability of zeroing an element of the recurrent output (``drop_prob_lm``), and between layers.
        input_dropout: the same for word and image vectors; NeuralTalk2 had none.
        image_norm: normalisation of the image's vector before it is projected: ``standard`` subtracts each feature's
            mean over training images and divides by its deviation, ``layer`` is layer normalisation, ``none`` nothing.
        forget_bias: initial bias of an LSTM's forget gates; the image is read once, at the beginning, and has to be
            remembered to the end. NeuralTalk2 had 0.
        tied: use the word vectors as output weights too; needs equal sizes. NeuralTalk2 did not.
    """

    embedding_size: int = 512
    hidden_size: int = 512
    layers: int = 1
    cell: Cell = "lstm"
    dropout: float = 0.5
    input_dropout: float = 0.0
    image_norm: ImageNorm = "standard"
    forget_bias: float = 2.0
    tied: bool = False

    def __post_init__(self) -> None:
        check_sizes(self, "embedding_size", "hidden_size", "layers")
        if self.image_norm not in get_args(ImageNorm):
            raise RecipeError(f"image_norm: {unknown('norm', self.image_norm, get_args(ImageNorm))}")
        check_probabilities(self, "dropout", "input_dropout")
        if self.tied and self.embedding_size != self.hidden_size:
            raise RecipeError(
                f"tied: needs embedding_size = hidden_size, got {self.embedding_size} and {self.hidden_size}"
            )


class NeuralTalk2(Captioner):
    """Recurrent captioner conditioned on the pooled vector alone."""

    def __init__(self, config: NeuralTalk2Config, *, feature_size: int, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        norms = {"standard": Standardise, "layer": nn.LayerNorm, "none": nn.Identity}
        self.image_norm: nn.Module = norms[config.image_norm](feature_size)
        self.image_embedding = nn.Linear(feature_size, config.embedding_size)
        self.word_embedding = nn.Embedding(vocabulary_size, config.embedding_size)
        self.recurrent = RecurrentStack(
            config.cell,
            inputs=config.embedding_size,
            hidden=config.hidden_size,
            layers=config.layers,
            dropout=config.dropout,
            forget_bias=config.forget_bias,
        )
        self.input_dropout = nn.Dropout(config.input_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.output = output_layer(config.hidden_size, vocabulary_size)
        if config.tied:
            self.word_embedding.weight = self.output.weight

    def fit_normalisation(self, features: Features) -> None:
        """Measure the features' means and deviations on training images."""
        if isinstance(self.image_norm, Standardise):
            self.image_norm.fit(features.pooled)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`.

        The output layer, the costliest part, runs once and on real positions only.
        """
        photos, captions, _ = inputs.shape
        image = self.image_embedding(self.image_norm(features.pooled))  # (B, E)
        image = image[:, None, None].expand(photos, captions, 1, -1)
        words = self.word_embedding(inputs)  # (B, C, T, E)
        sequence = self.input_dropout(torch.cat([image, words], dim=2)).flatten(0, 1)  # (B·C, 1 + T, E)
        hidden = self.recurrent(sequence)[:, 1:]  # (B·C, T, H): the prediction after the image alone is not scored
        real = hidden[(targets != IGNORE_INDEX).flatten(0, 1)]  # (M, H)
        logits: Tensor = self.output(self.dropout(real))
        return logits

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            No memory; as state that of the recurrent network after the image, ``(B, state_size)``.
        """
        image = self.image_embedding(self.image_norm(features.pooled))
        _, state = self.recurrent.step(image, None)
        return DecoderStart((), (state,))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`."""
        hidden, next_state = self.recurrent.step(self.word_embedding(tokens), state[0])
        return DecoderStep(torch.log_softmax(self.output(hidden), dim=1), (next_state,))
