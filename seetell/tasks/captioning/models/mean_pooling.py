"""Mean pooling: a video is the mean of its frames, which two LSTMs read with every word.

Venugopalan, Xu, Donahue, Rohrbach, Mooney and Saenko, "Translating Videos to Natural Language Using Deep Recurrent
Neural Networks", NAACL 2015, section 3: the frames' vectors are averaged, the mean v is an input at each time step
beside the word before, x_t = [W_v v; W_e y_{t−1}], and the hidden vectors of the first layer are the second's input.

Departures: the mean is standardised feature by feature; forget gates start open (``forget_bias``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seetell.config import check_probabilities, check_sizes
from seetell.nn.backbones import Features
from seetell.nn.recurrent import RecurrentStack
from seetell.nn.standardisation import Standardise
from seetell.tasks.captioning.models.captioner import IGNORE_INDEX, Captioner, DecoderStart, DecoderStep, output_layer


@dataclass(frozen=True)
class MeanPoolingConfig:
    """Sizes and regularisation of mean pooling.

    Attributes:
        embedding_size: length of a word's vector and of the video's.
        hidden_size: length of an LSTM's hidden vector.
        layers: LSTMs, one upon the other; the paper's two.
        dropout: probability of zeroing an element of the last LSTM's output, and between them.
        feature_dropout: the same for the mean of the frames.
        forget_bias: initial bias of forget gates.
    """

    embedding_size: int = 256
    hidden_size: int = 512
    layers: int = 2
    dropout: float = 0.5
    feature_dropout: float = 0.0
    forget_bias: float = 2.0

    def __post_init__(self) -> None:
        check_sizes(self, "embedding_size", "hidden_size", "layers")
        check_probabilities(self, "dropout", "feature_dropout")


class MeanPooling(Captioner):
    """Recurrent captioner of the mean of frames, ``Features.pooled``."""

    def __init__(self, config: MeanPoolingConfig, *, feature_size: int, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        self.video_norm = Standardise(feature_size)
        self.video_embedding = nn.Linear(feature_size, config.embedding_size)
        self.word_embedding = nn.Embedding(vocabulary_size, config.embedding_size)
        self.recurrent = RecurrentStack(
            "lstm",
            inputs=2 * config.embedding_size,
            hidden=config.hidden_size,
            layers=config.layers,
            dropout=config.dropout,
            forget_bias=config.forget_bias,
        )
        self.feature_dropout = nn.Dropout(config.feature_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.output = output_layer(config.hidden_size, vocabulary_size)

    def fit_normalisation(self, features: Features) -> None:
        """Measure the means and deviations of training videos."""
        self.video_norm.fit(features.pooled)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`."""
        words = self.word_embedding(inputs)  # (B, C, T, E)
        video = self._video(features)[:, None, None].expand_as(words)
        hidden = self.recurrent(torch.cat([video, words], dim=3).flatten(0, 1))  # (B·C, T, H)
        real = hidden[(targets != IGNORE_INDEX).flatten(0, 1)]  # (M, H)
        logits: Tensor = self.output(self.dropout(real))
        return logits

    def start(self, features: Features) -> DecoderStart:
        """Read the videos.

        Returns:
            As memory the video's vector, ``(B, embedding_size)``; as state zeros, ``(B, state_size)``.
        """
        video = self._video(features)
        return DecoderStart((video,), (video.new_zeros(video.shape[0], self.recurrent.state_size),))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`."""
        read = torch.cat([memory[0][photos], self.word_embedding(tokens)], dim=1)
        hidden, next_state = self.recurrent.step(read, state[0])
        return DecoderStep(torch.log_softmax(self.output(hidden), dim=1), (next_state,))

    def _video(self, features: Features) -> Tensor:
        video: Tensor = self.video_embedding(self.feature_dropout(self.video_norm(features.pooled)))
        return video
