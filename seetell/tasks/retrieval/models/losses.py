"""Ranking losses: an image's own sentences shall score higher than others do.

Each loss compares the images and sentences of one batch, both ways: a sentence among the sentences of other images, and
an image among other images. An image's other sentences are no negatives and are masked. Letters: ``B`` images, ``N``
sentences.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


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
