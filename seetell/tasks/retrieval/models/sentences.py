"""Sentence encoders: from the vectors of a sentence's words to vectors that depend on the words around them.

``brnn`` is that of Deep Visual-Semantic Alignments (Karpathy & Fei-Fei, 2015, section 3.1.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seetell.errors import RecipeError, unknown
from seetell.nn.attention import MultiHeadAttention

SENTENCE_ENCODERS = ("brnn", "gru", "transformer", "convolution")
TRANSFORMER_DROPOUT = 0.1


class SentenceEncoder(nn.Module):
    """Maps the vectors of a sentence's words to vectors that depend on the words around them.

    Attributes:
        width: length of the output vectors.
        rectified: whether a word's embedding, which is linear in these vectors, is rectified.
    """

    width: int
    rectified: bool = False

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences.

        Args:
            words: ``(N, T, inputs)``; values behind a sentence's end make no difference.
            lengths: words per sentence, ``(N,)`` int64, from 1 to ``T``.

        Returns:
            ``(N, T, width)``; any finite values behind a sentence's end.
        """
        raise NotImplementedError


def padding_mask(lengths: Tensor, steps: int) -> Tensor:
    """Return which positions hold a word and no padding, ``(N, steps)`` bool."""
    return torch.arange(steps, device=lengths.device) < lengths[:, None]


class PaperBrnn(SentenceEncoder):
    """The paper's bidirectional recurrent network, with rectified units.

    e_t = f(W_e x_t + b_e), h^f_t = f(e_t + W_f h^f_{t−1} + b_f), h^b_t = f(e_t + W_b h^b_{t+1} + b_b), f = ReLU; the
    output is h^f_t + h^b_t, from which the aligner computes s_t = f(W_d (h^f_t + h^b_t) + b_d).

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
            nn.init.eye_(recurrent.weight)  # keeps rectified units from fading or exploding (Le, Jaitly & Hinton, 2015)
            recurrent.weight.data.mul_(0.5)
            nn.init.zeros_(recurrent.bias)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences; both directions start from the zero state."""
        packed = pack_padded_sequence(words, lengths.cpu(), batch_first=True, enforce_sorted=False)
        sizes = packed.batch_sizes.tolist()  # sentences that reach each position: the longest come first
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


class Gru(SentenceEncoder):
    """A bidirectional GRU (Cho et al., 2014), both directions side by side.

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


class Convolution(SentenceEncoder):
    """A convolution over each word and its two neighbours (Kim, "CNNs for Sentence Classification", 2014).

    Args:
        inputs: length of a word vector.
        hidden: units.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.width = hidden
        self.filters = nn.Conv1d(inputs, hidden, kernel_size=3, padding=1)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences; both ends are padded with zeros."""
        real = padding_mask(lengths, words.shape[1])[:, :, None]
        return torch.relu(self.filters((words * real).transpose(1, 2))).transpose(1, 2)


class _TransformerLayer(nn.Module):
    """Self-attention, then a feed-forward part, both residual."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads=heads, dropout=TRANSFORMER_DROPOUT)
        self.feedforward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(TRANSFORMER_DROPOUT)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        normed = self.norms[0](x)
        keys_values = self.attention.split(self.attention.keys_values(normed))
        x = x + self.dropout(self.attention(normed, *keys_values, attn_mask=real[:, None, None]))
        refined: Tensor = x + self.dropout(self.feedforward(self.norms[1](x)))
        return refined


class SelfAttention(SentenceEncoder):
    """A Transformer encoder (Vaswani et al., 2017; pre-norm after Xiong et al., 2020) with sinusoidal positions.

    Args:
        inputs: length of a word vector.
        hidden: length of every hidden vector.
        layers: number of layers.
        heads: of each layer; divides ``hidden``.
    """

    def __init__(self, inputs: int, hidden: int, *, layers: int, heads: int) -> None:
        super().__init__()
        if hidden % heads:
            raise RecipeError(f"retrieval.aligner.heads: must divide hidden_size, got {heads} and {hidden}")
        self.width = hidden
        self.word = nn.Linear(inputs, hidden)
        self.layers = nn.ModuleList(_TransformerLayer(hidden, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences; no word attends to padding."""
        steps = words.shape[1]
        x = self.word(words) + _sinusoids(steps, self.width, words)
        real = padding_mask(lengths, steps)
        for layer in self.layers:
            x = layer(x, real)
        normed: Tensor = self.norm(x)
        return normed


def _sinusoids(steps: int, width: int, like: Tensor) -> Tensor:
    """Return a vector per position, ``(T, width)`` (Vaswani et al., 2017, section 3.5)."""
    positions = torch.arange(steps, dtype=like.dtype, device=like.device)[:, None]
    rates = 10000 ** (-torch.arange(0, width, 2, dtype=like.dtype, device=like.device) / width)
    return torch.cat([torch.sin(positions * rates), torch.cos(positions * rates)], dim=1)[:, :width]


def create_sentence_encoder(name: str, *, inputs: int, hidden: int, layers: int, heads: int) -> SentenceEncoder:
    """Make a sentence encoder.

    Args:
        name: ``brnn`` (Deep Visual-Semantic Alignments), ``gru``, ``transformer`` or ``convolution``.
        inputs: length of a word vector.
        hidden: hidden units.
        layers: of the Transformer; the others have one.
        heads: of the Transformer.

    Raises:
        RecipeError: the name is unknown.
    """
    if name == "brnn":
        return PaperBrnn(inputs, hidden)
    if name == "gru":
        return Gru(inputs, hidden)
    if name == "convolution":
        return Convolution(inputs, hidden)
    if name == "transformer":
        return SelfAttention(inputs, hidden, layers=layers, heads=heads)
    raise RecipeError(f"retrieval.aligner.sentence_encoder: {unknown('sentence encoder', name, SENTENCE_ENCODERS)}")
