"""Sequence to sequence: two LSTMs read the frames of a video, one after the other, and then write the sentence.

Venugopalan, Rohrbach, Donahue, Mooney, Darrell and Saenko, "Sequence to Sequence – Video to Text", ICCV 2015, section 3
(S2VT): while frames come, the first LSTM reads them, and the second one its hidden vectors beside a padding in the
place of words; then the first one reads a padding, and the second its hidden vectors beside the word before.

Departures: paddings are zeros; the frames' vectors are standardised and projected; forget gates start open
(``forget_bias``).
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
class S2vtConfig:
    """Sizes and regularisation of S2VT.

    Attributes:
        embedding_size: length of a word's vector and of a frame's.
        hidden_size: length of the hidden vectors of both LSTMs.
        dropout: probability of zeroing an element of the second LSTM's output.
        feature_dropout: the same for the frames' vectors.
        forget_bias: initial bias of forget gates; frames are read once, and have to be remembered.
    """

    embedding_size: int = 256
    hidden_size: int = 512
    dropout: float = 0.5
    feature_dropout: float = 0.0
    forget_bias: float = 2.0

    def __post_init__(self) -> None:
        check_sizes(self, "embedding_size", "hidden_size")
        check_probabilities(self, "dropout", "feature_dropout")


class S2vt(Captioner):
    """Captioner that reads the rows of ``Features.grid`` in their order."""

    uses_grid = True

    def __init__(self, config: S2vtConfig, *, feature_size: int, vocabulary_size: int) -> None:
        super().__init__()
        self.config = config
        embedding, hidden = config.embedding_size, config.hidden_size
        self.frame_norm = Standardise(feature_size)
        self.frame_embedding = nn.Linear(feature_size, embedding)
        self.word_embedding = nn.Embedding(vocabulary_size, embedding)
        self.of_frames = RecurrentStack("lstm", inputs=embedding, hidden=hidden, forget_bias=config.forget_bias)
        self.of_words = RecurrentStack("lstm", inputs=hidden + embedding, hidden=hidden, forget_bias=config.forget_bias)
        self.feature_dropout = nn.Dropout(config.feature_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.output = output_layer(hidden, vocabulary_size)

    def fit_normalisation(self, features: Features) -> None:
        """Measure the means and deviations of frames of training videos."""
        assert features.grid is not None
        self.frame_norm.fit(features.grid)

    def forward(self, features: Features, inputs: Tensor, targets: Tensor) -> Tensor:
        """Score the next word at every real position; see :meth:`Captioner.forward`."""
        captions, steps = inputs.shape[1:]
        frames = self._frames(features)  # (B, L, E)
        count = frames.shape[1]
        padded = torch.cat([frames, frames.new_zeros(len(frames), steps, frames.shape[2])], dim=1)  # (B, L + T, E)
        seen = self.of_frames(padded).repeat_interleave(captions, dim=0)  # (B·C, L + T, H)
        words = self.word_embedding(inputs.flatten(0, 1))  # (B·C, T, E)
        words = torch.cat([words.new_zeros(len(words), count, words.shape[2]), words], dim=1)
        hidden = self.of_words(torch.cat([seen, words], dim=2))[:, count:]  # (B·C, T, H)
        real = hidden[(targets != IGNORE_INDEX).flatten(0, 1)]  # (M, H)
        logits: Tensor = self.output(self.dropout(real))
        return logits

    def start(self, features: Features) -> DecoderStart:
        """Read the videos.

        Returns:
            No memory; as state those of both LSTMs after the last frame, ``(B, 2·hidden_size)`` each.
        """
        frames = self._frames(features)
        first: Tensor | None = None
        second: Tensor | None = None
        for frame in frames.unbind(dim=1):
            seen, first = self.of_frames.step(frame, first)
            _, second = self.of_words.step(torch.cat([seen, torch.zeros_like(frame)], dim=1), second)
        assert first is not None
        assert second is not None
        return DecoderStart((), (first, second))

    def step(
        self, tokens: Tensor, photos: Tensor, memory: tuple[Tensor, ...], state: tuple[Tensor, ...]
    ) -> DecoderStep:
        """Read one word per row; see :meth:`Captioner.step`."""
        words = self.word_embedding(tokens)
        seen, first = self.of_frames.step(torch.zeros_like(words), state[0])
        hidden, second = self.of_words.step(torch.cat([seen, words], dim=1), state[1])
        return DecoderStep(torch.log_softmax(self.output(hidden), dim=1), (first, second))

    def _frames(self, features: Features) -> Tensor:
        assert features.grid is not None
        frames: Tensor = self.frame_embedding(self.feature_dropout(self.frame_norm(features.grid)))
        return frames
