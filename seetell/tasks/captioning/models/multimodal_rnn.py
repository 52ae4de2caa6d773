"""The multimodal recurrent network: a simple RNN with the image as its bias at the first word.

Karpathy & Fei-Fei, *Deep Visual-Semantic Alignments for Generating Image Descriptions*, CVPR 2015, section 3.2:
b_v = W_hi CNN(I), h_t = f(W_hx x_t + W_hh h_{t−1} + b_h + 1[t=1] b_v), y_t = softmax(W_oh h_t + b_o), with f = ReLU and
x_1 = START. It describes whole images, or regions where the features are those of a region.

Departures: CNN(I) is standardised feature by feature, because pooled vectors of all images have nearly one direction;
W_hh is initialised to the identity and W_hx to small numbers (Le, Jaitly & Hinton, "A Simple Way to Initialize
Recurrent Networks of Rectified Linear Units", 2015), so that the last word still knows of the image, which only the
first one saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.config import check_probabilities, check_sizes
from seetell.nn.backbones import Features
from seetell.nn.standardisation import Standardise
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner, DecoderStart, DecoderStep, output_layer


@dataclass(frozen=True)
class MultimodalRnnConfig:
    """Sizes and regularisation of the multimodal RNN.

    Attributes:
        embedding_size: length of a word's vector x_t.
        hidden_size: units of h_t.
        dropout: probability of zeroing an element of x_t, of b_v, and of h_t before the output layer; not within the
            recurrence.
    """

    embedding_size: int = 512
    hidden_size: int = 512
    dropout: float = 0.2

    def __post_init__(self) -> None:
        check_sizes(self, "embedding_size", "hidden_size")
        check_probabilities(self, "dropout")


class MultimodalRnn(Captioner):
    """The multimodal RNN; ``H`` in its docstrings is the number of hidden units."""

    def __init__(self, config: MultimodalRnnConfig, *, feature_size: int, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.standardise = Standardise(feature_size)
        self.image = nn.Linear(feature_size, config.hidden_size, bias=False)
        self.word_embedding = nn.Embedding(vocabulary_size, config.embedding_size)
        self.word = nn.Linear(config.embedding_size, config.hidden_size)
        self.recurrent = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self.output = output_layer(config.hidden_size, vocabulary_size)
        nn.init.eye_(self.recurrent.weight)
        nn.init.normal_(self.word.weight, std=0.01)

    def fit_normalisation(self, features: Features) -> None:
        """Measure the features' means and deviations on training images."""
        self.standardise.fit(features.pooled)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`."""
        photos, captions, _ = inputs.shape
        b_v = self.dropout(self.image(self.standardise(features.pooled)))  # (B, H)
        h = b_v[:, None].expand(photos, captions, -1).flatten(0, 1)  # (B·C, H)
        words = self.word(self.dropout(self.word_embedding(inputs.flatten(0, 1))))  # (B·C, T, H)
        first, *following = words.unbind(dim=1)
        h = torch.relu(first + h)
        hidden = [h]
        for x in following:
            h = torch.relu(x + self.recurrent(h))
            hidden.append(h)
        real = torch.stack(hidden, dim=1)[(targets != IGNORE_INDEX).flatten(0, 1)]  # (M, H)
        logits: Tensor = self.output(self.dropout(real))
        return logits

    def start(self, features: Features) -> DecoderStart:
        """Read the images.

        Returns:
            No memory. State: W_hh h_{t−1} + 1[t=1] b_v, the next word's recurrent input, ``(B, H)``; here b_v.
        """
        return DecoderStart((), (self.image(self.standardise(features.pooled)),))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`."""
        h = torch.relu(self.word(self.word_embedding(tokens)) + state[0])
        return DecoderStep(torch.log_softmax(self.output(h), dim=1), (self.recurrent(h),))
