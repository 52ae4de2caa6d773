"""A Transformer encoder over a sentence (Vaswani et al., 2017, pre-norm after Xiong et al., 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seetell.errors import RecipeError
from seetell.nn.attention import MultiHeadAttention
from seetell.tasks.retrieval.models.sentences.encoder import SentenceEncoder, padding_mask

DROPOUT = 0.1


class _Layer(nn.Module):
    """Self-attention, then a feed-forward part, each added to what it read."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(width, heads=heads, dropout=DROPOUT)
        self.feedforward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        normed = self.norms[0](x)
        keys_values = self.attention.split(self.attention.keys_values(normed))
        x = x + self.dropout(self.attention(normed, *keys_values, seen=real[:, None, None]))
        refined: Tensor = x + self.dropout(self.feedforward(self.norms[1](x)))
        return refined


class SelfAttention(SentenceEncoder):
    """Layers of self-attention over words and their places.

    Args:
        inputs: length of a word vector.
        hidden: length of every vector inside.
        layers: how many.
        heads: of each; divides ``hidden``.
    """

    def __init__(self, inputs: int, hidden: int, *, layers: int, heads: int) -> None:
        super().__init__()
        if hidden % heads:
            raise RecipeError(f"aligner.heads: must divide hidden_size, got {heads} and {hidden}")
        self.width = hidden
        self.word = nn.Linear(inputs, hidden)
        self.layers = nn.ModuleList(_Layer(hidden, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(hidden)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences; no word sees padding."""
        places = words.shape[1]
        x = self.word(words) + _sinusoids(places, self.width, words)
        real = padding_mask(lengths, places)
        for layer in self.layers:
            x = layer(x, real)
        normed: Tensor = self.norm(x)
        return normed


def _sinusoids(places: int, width: int, like: Tensor) -> Tensor:
    """Return a vector for each place, ``(T, width)`` (Vaswani et al., 2017, section 3.5)."""
    steps = torch.arange(places, dtype=like.dtype, device=like.device)[:, None]
    rates = 10000 ** (-torch.arange(0, width, 2, dtype=like.dtype, device=like.device) / width)
    return torch.cat([torch.sin(steps * rates), torch.cos(steps * rates)], dim=1)[:, :width]
