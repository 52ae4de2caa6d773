"""Attention: additive, and scaled dot-product with several heads.

Keys and values are computed apart from queries: a decoder needs them once per image, and a query per word.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AdditiveAttention(nn.Module):
    """Additive attention weights of several vectors under a query: softmax of w · tanh(W a_i + U h).

    Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2015, appendix A.1.2.

    Args:
        query_size: length of a query.
        key_size: length of the vectors attended to.
        width: hidden units.
    """

    def __init__(self, query_size: int, key_size: int, *, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, width)
        self.key = nn.Linear(key_size, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, vectors: Tensor) -> Tensor:
        """Project ``(N, L, key_size)`` to keys, ``(N, L, width)``."""
        keys: Tensor = self.key(vectors)
        return keys

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        """Compare queries with keys.

        Args:
            query: ``(N, query_size)``, one per row.
            keys: as from :meth:`keys`.

        Returns:
            Logarithms of the attention weights, ``(N, L)``.
        """
        scores: Tensor = self.score(torch.tanh(keys + self.query(query)[:, None]))
        return torch.log_softmax(scores[:, :, 0], dim=1)


class MultiHeadAttention(nn.Module):
    """Attention of a sequence to itself or to another (Vaswani et al., "Attention Is All You Need", 2017, section 3.2).

    Args:
        width: length of the vectors of queries and outputs.
        heads: number of heads; divides ``width``.
        dropout: probability of dropping an attention weight while training.
    """

    def __init__(self, width: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        assert width % heads == 0
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def keys_values(self, vectors: Tensor) -> Tensor:
        """Return keys and values side by side, ``(N, S, 2·width)``, of ``(N, S, width)``."""
        keys_values: Tensor = self.key_value(vectors)
        return keys_values

    def split(self, keys_values: Tensor) -> tuple[Tensor, Tensor]:
        """Split what :meth:`keys_values` returned into keys and values, both ``(N, heads, S, width / heads)``."""
        keys, values = keys_values.chunk(2, dim=2)
        return self._split_heads(keys), self._split_heads(values)

    def forward(
        self, query: Tensor, keys: Tensor, values: Tensor, *, causal: bool = False, attn_mask: Tensor | None = None
    ) -> Tensor:
        """Attend with a sequence of queries.

        Args:
            query: ``(N, T, width)``.
            keys: of ``S`` vectors, as from :meth:`split`.
            values: of the same.
            causal: query ``t`` attends to the keys up to ``t`` only; needs ``T == S``.
            attn_mask: which keys queries attend to, bool, broadcast to ``(N, heads, T, S)``; all when absent. Not with
                ``causal``.

        Returns:
            ``(N, T, width)``.
        """
        dropout = self.dropout if self.training else 0.0
        queries = self._split_heads(self.query(query))
        attended = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=attn_mask, dropout_p=dropout, is_causal=causal
        )
        return self._merge_heads(attended)

    def forward_with_weights(
        self, query: Tensor, keys: Tensor, values: Tensor, *, attn_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Attend as :meth:`forward` does in evaluation mode, and return the attention weights too.

        Returns:
            The outputs ``(N, T, width)``, and the weights averaged over heads, ``(N, T, S)``; rows sum to 1.
        """
        queries = self._split_heads(self.query(query)) / keys.shape[3] ** 0.5
        scores = queries @ keys.transpose(2, 3)  # (N, heads, T, S)
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, -torch.inf)
        weights = torch.softmax(scores, dim=3)
        return self._merge_heads(weights @ values), weights.mean(dim=1)

    def _split_heads(self, vectors: Tensor) -> Tensor:
        """``(N, T, width)`` → ``(N, heads, T, width / heads)``."""
        rows, steps, width = vectors.shape
        return vectors.reshape(rows, steps, self.heads, width // self.heads).transpose(1, 2)

    def _merge_heads(self, attended: Tensor) -> Tensor:
        """``(N, heads, T, width / heads)`` → ``(N, T, width)``."""
        merged: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return merged
