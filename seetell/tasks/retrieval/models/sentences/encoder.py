"""What every sentence encoder offers."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class SentenceEncoder(nn.Module):
    """Maps the vectors of a sentence's words to vectors that know the words around them.

    Attributes:
        width: length of the vectors that come out.
        rectified: whether a word's embedding, which is linear in these vectors, is rectified.
    """

    width: int
    rectified: bool = False

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """Read sentences.

        Args:
            words: ``(N, T, inputs)``; what stands behind a sentence's end makes no difference.
            lengths: words of each sentence, ``(N,)`` int64, from 1 to ``T``.

        Returns:
            ``(N, T, width)``; behind a sentence's end anything finite.
        """
        raise NotImplementedError


def padding_mask(lengths: Tensor, places: int) -> Tensor:
    """Return which places hold a word and no padding, ``(N, places)`` bool."""
    return torch.arange(places, device=lengths.device) < lengths[:, None]
