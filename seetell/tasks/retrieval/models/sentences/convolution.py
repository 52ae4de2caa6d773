"""A convolution over a sentence: each word and its two neighbours."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.tasks.retrieval.models.sentences.encoder import SentenceEncoder, padding_mask


class Convolution(SentenceEncoder):
    """Rectified units that see three words each (Kim, "Convolutional Neural Networks for Sentence Classification").

    Args:
        inputs: length of a word vector.
        hidden: units.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.width = hidden
        self.filters = nn.Conv1d(inputs, hidden, kernel_size=3, padding=1)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences; beyond both ends stand zeros."""
        real = padding_mask(lengths, words.shape[1])[:, :, None]
        return torch.relu(self.filters((words * real).transpose(1, 2))).transpose(1, 2)
