"""A bidirectional GRU over a sentence."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seetell.tasks.retrieval.models.sentences.encoder import SentenceEncoder


class Gru(SentenceEncoder):
    """Gated recurrent units (Cho et al., 2014) from both ends, side by side.

    Args:
        inputs: length of a word vector.
        hidden: units of each direction.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.width = 2 * hidden
        self.fused = nn.GRU(inputs, hidden, batch_first=True, bidirectional=True)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences."""
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.fused(packed)[0], batch_first=True, total_length=words.shape[1])
        return hidden
