"""Scaled dot-product attention with several heads (Vaswani et al., "Attention Is All You Need", 2017, section 3.2).

Keys and values are made apart from queries, because a decoder makes them once and asks many times.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MultiHeadAttention(nn.Module):
    """Attention of a sequence to itself or to another.

    Args:
        width: length of queries' and answers' vectors.
        heads: how many parts of the vectors attend on their own; divides ``width``.
        dropout: probability of dropping an attention weight while training.
    """

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        assert width % heads == 0
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def keys_values(self, attended: Tensor) -> Tensor:
        """Return keys and values side by side, ``(N, S, 2·width)``, of ``(N, S, width)``."""
        made: Tensor = self.key_value(attended)
        return made

    def forward(self, asking: Tensor, keys_values: Tensor, *, causal: bool = False) -> Tensor:
        """Answer a sequence of queries.

        Args:
            asking: ``(N, T, width)``.
            keys_values: ``(N, S, 2·width)`` as from :meth:`keys_values`.
            causal: query ``t`` sees the keys up to ``t`` only; needs ``T == S``.

        Returns:
            ``(N, T, width)``.
        """
        keys, values = keys_values.chunk(2, dim=2)
        dropout = self.dropout if self.training else 0.0
        answers = F.scaled_dot_product_attention(
            self._split(self.query(asking)), self._split(keys), self._split(values), dropout_p=dropout, is_causal=causal
        )
        joined: Tensor = self.output(answers.transpose(1, 2).flatten(2))  # (N, T, width)
        return joined

    def weights(self, asking: Tensor, keys_values: Tensor) -> Tensor:
        """Return how much each query attends to each key, the mean over heads, ``(N, T, S)``; rows sum to 1."""
        keys, _ = keys_values.chunk(2, dim=2)
        queries, keys = self._split(self.query(asking)), self._split(keys)  # (N, heads, T or S, width / heads)
        scores = queries @ keys.transpose(2, 3) / queries.shape[3] ** 0.5
        return torch.softmax(scores, dim=3).mean(dim=1)

    def _split(self, vectors: Tensor) -> Tensor:
        """``(N, T, width)`` → ``(N, heads, T, width / heads)``."""
        rows, steps, width = vectors.shape
        return vectors.reshape(rows, steps, self.heads, width // self.heads).transpose(1, 2)
