"""The bidirectional recurrent network of Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015, section 3.1.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seetell.tasks.retrieval.models.sentences.encoder import SentenceEncoder


class PaperBrnn(SentenceEncoder):
    """Reads a sentence from both ends with rectified units.

    e_t = f(W_e x_t + b_e), h^f_t = f(e_t + W_f h^f_{t−1} + b_f), h^b_t = f(e_t + W_b h^b_{t+1} + b_b), f = ReLU; what
    comes out is h^f_t + h^b_t, of which the aligner makes s_t = f(W_d (h^f_t + h^b_t) + b_d).

    Args:
        inputs: length of a word vector x_t.
        hidden: of e_t, h^f_t and h^b_t.
    """

    rectified = True

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.width = hidden
        self.word = nn.Linear(inputs, hidden)
        self.onward = nn.Linear(hidden, hidden)
        self.back = nn.Linear(hidden, hidden)
        for recurrent in (self.onward, self.back):
            nn.init.eye_(recurrent.weight)  # rectified units neither fade nor grow so (Le, Jaitly & Hinton, 2015)
            recurrent.weight.data.mul_(0.5)
            nn.init.zeros_(recurrent.bias)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences; the zero state stands before the first word and behind the last."""
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        sizes = packed.batch_sizes.tolist()  # of each place, how many sentences reach it: the longest come first
        e = torch.split(torch.relu(self.word(packed.data)), sizes)
        onward, backward = [], []
        h = words.new_zeros(sizes[0], self.width)
        for e_t in e:
            h = torch.relu(e_t + self.onward(h[: len(e_t)]))
            onward.append(h)
        h = words.new_zeros(0, self.width)
        for e_t in reversed(e):
            h = torch.cat([h, words.new_zeros(len(e_t) - len(h), self.width)])
            h = torch.relu(e_t + self.back(h))
            backward.append(h)
        both = torch.cat(onward) + torch.cat(backward[::-1])
        hidden, _ = pad_packed_sequence(packed._replace(data=both), batch_first=True, total_length=words.shape[1])
        return hidden
