"""Region–word scores: every word of a sentence by the image region that fits it best.

Letters: ``B`` images, ``N`` sentences, ``R`` regions, ``M`` words of all the sentences, ``H`` length of an embedding.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

WordScore = Literal["sum", "mean", "norm"]


def word_scores(regions: Tensor, words: Tensor, owners: Tensor, *, sentences: int, kind: WordScore) -> Tensor:
    """Score sentences by their words: S_kl = Σ_t max_i v_i·s_t (Karpathy & Fei-Fei, 2015, eq. 8), or scaled.

    Eq. 8 grows with the length of the sentence, so that long ones retrieve every image. ``mean`` divides it by the
    number of words, as deep fragment embeddings did (Karpathy, Joulin & Fei-Fei, 2014); ``norm`` by ‖s‖ =
    √(Σ_t s_t·s_t), so that a word vector's length is its weight, and the sentence's total no longer matters.

    Args:
        regions: ``(B, R, H)``.
        words: the real words of all sentences one after the other, ``(M, H)``.
        owners: index of each word's sentence, ``(M,)`` int64.
        sentences: ``N``, each with at least one word.
        kind: ``sum`` for eq. 8, ``mean`` or ``norm``.

    Returns:
        ``(B, N)``.
    """
    photos = len(regions)
    products = regions.flatten(0, 1) @ words.T  # (B·R, M)
    best: Tensor = products.reshape(photos, -1, len(words)).amax(dim=1)  # (B, M)
    totals = best.new_zeros(photos, sentences).index_add(1, owners, best)
    if kind == "sum":
        return totals
    if kind == "mean":
        return totals / torch.bincount(owners, minlength=sentences)
    squares = words.new_zeros(sentences).index_add(0, owners, words.square().sum(dim=1))
    return totals / (squares + 1e-12).sqrt()


def real_words(words: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Remove the padding of sentences.

    Args:
        words: ``(N, T, H)``.
        lengths: words per sentence, ``(N,)`` int64.

    Returns:
        The real words ``(M, H)``, and the index of each word's sentence, ``(M,)``.
    """
    real = torch.arange(words.shape[1], device=words.device) < lengths[:, None]
    owners = torch.repeat_interleave(torch.arange(len(lengths), device=words.device), lengths)
    return words[real], owners
