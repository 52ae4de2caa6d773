"""Attention: additive, and scaled dot-product with several heads.

Keys and values are made apart from queries, because a decoder makes them once and asks many times.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class AdditiveAttention(nn.Module):
    """How well each of several vectors answers a query: w · tanh(W a_i + U h).

    Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2015, appendix A.1.2.

    Args:
        asking: length of a query.
        attended: length of the vectors attended to.
        width: hidden units.
    """

    def __init__(self, asking: int, attended: int, *, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(asking, width)
        self.key = nn.Linear(attended, width, bias=False)
        self.score = nn.Linear(width, 1, bias=False)

    def keys(self, attended: Tensor) -> Tensor:
        """Project ``(N, L, attended)`` to keys, ``(N, L, width)``."""
        made: Tensor = self.key(attended)
        return made

    def forward(self, asking: Tensor, keys: Tensor) -> Tensor:
        """Compare queries with keys.

        Args:
            asking: ``(N, asking)``, one query a row.
            keys: as from :meth:`keys`.

        Returns:
            Logarithms of the attention weights, ``(N, L)``.
        """
        scores: Tensor = self.score(torch.tanh(keys + self.query(asking)[:, None]))
        return torch.log_softmax(scores[:, :, 0], dim=1)


class MultiHeadAttention(nn.Module):
    """Attention of a sequence to itself or to another (Vaswani et al., "Attention Is All You Need", 2017, section 3.2).

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

    def split(self, keys_values: Tensor) -> tuple[Tensor, Tensor]:
        """Part what :meth:`keys_values` made into keys and values by heads, both ``(N, heads, S, width / heads)``."""
        keys, values = keys_values.chunk(2, dim=2)
        return self._by_heads(keys), self._by_heads(values)

    def forward(
        self, asking: Tensor, keys: Tensor, values: Tensor, *, causal: bool = False, seen: Tensor | None = None
    ) -> Tensor:
        """Answer a sequence of queries.

        Args:
            asking: ``(N, T, width)``.
            keys: of ``S`` vectors, as from :meth:`split`.
            values: of the same.
            causal: query ``t`` sees the keys up to ``t`` only; needs ``T == S``.
            seen: which keys queries see, bool, broadcast to ``(N, heads, T, S)``; all when absent. Not with ``causal``.

        Returns:
            ``(N, T, width)``.
        """
        dropout = self.dropout if self.training else 0.0
        queries = self._by_heads(self.query(asking))
        answers = F.scaled_dot_product_attention(
            queries, keys, values, attn_mask=seen, dropout_p=dropout, is_causal=causal
        )
        return self._joined(answers)

    def forward_with_weights(self, asking: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Answer as :meth:`forward` does at prediction, and tell where each query looked.

        Returns:
            The answers ``(N, T, width)``, and the weights, the mean over heads, ``(N, T, S)``; rows sum to 1.
        """
        queries = self._by_heads(self.query(asking)) / keys.shape[3] ** 0.5
        weights = torch.softmax(queries @ keys.transpose(2, 3), dim=3)  # (N, heads, T, S)
        return self._joined(weights @ values), weights.mean(dim=1)

    def _by_heads(self, vectors: Tensor) -> Tensor:
        """``(N, T, width)`` → ``(N, heads, T, width / heads)``."""
        rows, steps, width = vectors.shape
        return vectors.reshape(rows, steps, self.heads, width // self.heads).transpose(1, 2)

    def _joined(self, answers: Tensor) -> Tensor:
        """``(N, heads, T, width / heads)`` → ``(N, T, width)``."""
        joined: Tensor = self.output(answers.transpose(1, 2).flatten(2))
        return joined
