"""What tells an aligner that a photo's own sentences fit it better than others do.

Each loss compares the photos and sentences of one batch, both ways: a sentence among the sentences of other photos, and
a photo among other photos. A photo's other sentences are no mistakes and are left out. Letters: ``B`` photos, ``N``
sentences.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class _Comparison(NamedTuple):
    """What each sentence's score with its own photo is held against.

    Attributes:
        own: ``(N,)``, the score of each sentence with its own photo.
        sentences: ``(N, N)``, row ``l``: the scores of all sentences with the photo of sentence ``l``.
        photos: ``(N, B)``, row ``l``: the scores of sentence ``l`` with all photos.
        right_sentences: ``(N, N)``, which of ``sentences`` belong to that photo.
        right_photos: ``(N, B)``, which of ``photos`` are that photo.
    """

    own: Tensor
    sentences: Tensor
    photos: Tensor
    right_sentences: Tensor
    right_photos: Tensor


def _compare(scores: Tensor, owners: Tensor) -> _Comparison:
    numbers = torch.arange(len(scores), device=scores.device)
    return _Comparison(
        own=scores[owners, torch.arange(len(owners), device=scores.device)],
        sentences=scores[owners],
        photos=scores.T,
        right_sentences=owners[:, None] == owners,
        right_photos=owners[:, None] == numbers,
    )


def max_margin(scores: Tensor, owners: Tensor, *, margin: float) -> Tensor:
    """Σ_k [Σ_l max(0, S_kl − S_kk + 1) + Σ_l max(0, S_lk − S_kk + 1)] (Karpathy & Fei-Fei, 2015, eq. 9).

    Args:
        scores: how well each sentence fits each photo, ``(B, N)``.
        owners: each sentence's photo, ``(N,)`` int64. With several sentences a photo, each is held against those of
            the other photos.
        margin: the 1 of the equation.

    Returns:
        The sum, divided by ``N``: the paper's is over batches of one size.
    """
    sentences, photos = _costs(scores, owners, margin=margin)
    return (sentences.sum() + photos.sum()) / len(owners)


def hardest_negative(scores: Tensor, owners: Tensor, *, margin: float) -> Tensor:
    """Eq. 9 with only the worst mistake each way instead of all (VSE++, Faghri et al., 2018, eq. 6).

    Args:
        scores: ``(B, N)``.
        owners: each sentence's photo, ``(N,)`` int64.
        margin: 0.2 in the paper, whose scores are cosines.

    Returns:
        The mean over sentences.
    """
    sentences, photos = _costs(scores, owners, margin=margin)
    return (sentences.amax(dim=1) + photos.amax(dim=1)).mean()


def info_nce(scores: Tensor, owners: Tensor) -> Tensor:
    """Cross-entropy of finding the right one, both ways (van den Oord et al., 2018; Radford et al., 2021, symmetric).

    Args:
        scores: ``(B, N)``, times the inverse temperature.
        owners: each sentence's photo, ``(N,)`` int64. Each of several sentences of a photo is found on its own among
            those of the other photos.

    Returns:
        The mean over sentences and both ways, in nats.
    """
    compared = _compare(scores, owners)
    places = torch.arange(len(owners), device=scores.device)
    others = compared.right_sentences.clone().fill_diagonal_(False)
    found_sentence = F.cross_entropy(compared.sentences.masked_fill(others, -torch.inf), places)
    return (found_sentence + F.cross_entropy(compared.photos, owners)) / 2


def _costs(scores: Tensor, owners: Tensor, *, margin: float) -> tuple[Tensor, Tensor]:
    """Return what each wrong sentence ``(N, N)`` and each wrong photo ``(N, B)`` costs."""
    compared = _compare(scores, owners)
    wanted = compared.own[:, None] - margin
    sentences = (compared.sentences - wanted).clamp(min=0).masked_fill(compared.right_sentences, 0)
    photos = (compared.photos - wanted).clamp(min=0).masked_fill(compared.right_photos, 0)
    return sentences, photos
