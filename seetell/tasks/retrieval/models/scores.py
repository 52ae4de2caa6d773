"""Region–word scores, and ranking losses: an image's own sentences shall score higher than others do.

A word's score is that of the image region that fits it best. Each loss compares the images and sentences of one batch,
both ways: a sentence among the sentences of other images, and an image among other images. An image's other sentences
are no negatives and are masked. Letters: ``B`` images, ``N`` sentences, ``R`` regions, ``M`` words of all the
sentences, ``H`` length of an embedding.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from seetell.tasks.retrieval.models.sentences import padding_mask

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
    owners = torch.repeat_interleave(torch.arange(len(lengths), device=words.device), lengths)
    return words[padding_mask(lengths, words.shape[1])], owners


class _Comparison(NamedTuple):
    """The positive and negative scores of each sentence.

    Attributes:
        positive: ``(N,)``, the score of each sentence with its own image.
        sentences: ``(N, N)``, row ``l``: the scores of all sentences with the image of sentence ``l``.
        photos: ``(N, B)``, row ``l``: the scores of sentence ``l`` with all images.
        positive_sentences: ``(N, N)``, which of ``sentences`` belong to that image.
        positive_photos: ``(N, B)``, which of ``photos`` are that image.
    """

    positive: Tensor
    sentences: Tensor
    photos: Tensor
    positive_sentences: Tensor
    positive_photos: Tensor


def _compare(scores: Tensor, owners: Tensor) -> _Comparison:
    numbers = torch.arange(len(scores), device=scores.device)
    return _Comparison(
        positive=scores[owners, torch.arange(len(owners), device=scores.device)],
        sentences=scores[owners],
        photos=scores.T,
        positive_sentences=owners[:, None] == owners,
        positive_photos=owners[:, None] == numbers,
    )


def max_margin(scores: Tensor, owners: Tensor, *, margin: float) -> Tensor:
    """Σ_k [Σ_l max(0, S_kl − S_kk + 1) + Σ_l max(0, S_lk − S_kk + 1)] (Karpathy & Fei-Fei, 2015, eq. 9).

    Args:
        scores: of each image with each sentence, ``(B, N)``.
        owners: each sentence's image, ``(N,)`` int64. With several sentences per image, each is compared with those of
            the other images.
        margin: the 1 of the equation.

    Returns:
        The sum, divided by ``N``: the paper's is over batches of one size.
    """
    sentences, photos = _costs(scores, owners, margin=margin)
    return (sentences.sum() + photos.sum()) / len(owners)


def hardest_negative(scores: Tensor, owners: Tensor, *, margin: float) -> Tensor:
    """Eq. 9 with only the hardest negative each way instead of all (VSE++, Faghri et al., 2018, eq. 6).

    Args:
        scores: ``(B, N)``.
        owners: each sentence's image, ``(N,)`` int64.
        margin: 0.2 in the paper, whose scores are cosines.

    Returns:
        The mean over sentences.
    """
    sentences, photos = _costs(scores, owners, margin=margin)
    return (sentences.amax(dim=1) + photos.amax(dim=1)).mean()


def info_nce(scores: Tensor, owners: Tensor) -> Tensor:
    """Cross-entropy of retrieving the positive, both ways (van den Oord et al., 2018; Radford et al., 2021, symmetric).

    Args:
        scores: ``(B, N)``, times the inverse temperature.
        owners: each sentence's image, ``(N,)`` int64. Each of several sentences of an image is retrieved on its own
            among those of the other images.

    Returns:
        The mean over sentences and both ways, in nats.
    """
    compared = _compare(scores, owners)
    numbers = torch.arange(len(owners), device=scores.device)
    others = compared.positive_sentences.clone().fill_diagonal_(False)
    of_sentences = F.cross_entropy(compared.sentences.masked_fill(others, -torch.inf), numbers)
    return (of_sentences + F.cross_entropy(compared.photos, owners)) / 2


def _costs(scores: Tensor, owners: Tensor, *, margin: float) -> tuple[Tensor, Tensor]:
    """Return the hinge losses of each negative sentence ``(N, N)`` and each negative image ``(N, B)``."""
    compared = _compare(scores, owners)
    bound = compared.positive[:, None] - margin
    sentences = (compared.sentences - bound).clamp(min=0).masked_fill(compared.positive_sentences, 0)
    photos = (compared.photos - bound).clamp(min=0).masked_fill(compared.positive_photos, 0)
    return sentences, photos
