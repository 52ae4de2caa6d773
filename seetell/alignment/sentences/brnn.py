"""The bidirectional recurrent network of Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015, section 3.1.2)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from seetell.alignment.sentences.encoder import SentenceEncoder, real_places


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
        places = words.shape[1]
        e = torch.relu(self.word(words))
        real = real_places(lengths, places)[:, :, None].to(e.dtype)
        onward = self._run(self.onward, e, real, range(places))
        backward = self._run(self.back, e, real, range(places - 1, -1, -1))
        return torch.stack([onward[place] + backward[place] for place in range(places)], dim=1)

    def _run(self, recurrent: nn.Linear, e: Tensor, real: Tensor, order: Iterable[int]) -> dict[int, Tensor]:
        """Return the hidden vectors ``(N, hidden)`` by place; those of padding are zero."""
        h = torch.zeros_like(e[:, 0])
        hidden = {}
        for place in order:
            h = torch.relu(e[:, place] + recurrent(h)) * real[:, place]
            hidden[place] = h
        return hidden
