"""Validation of aligners: retrieval of photos and sentences among all of a split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from seetell.language.vocabulary import END, UNK
from seetell.metrics.retrieval import RetrievalScores, retrieval
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.models.member import PhotoFeatures

SENTENCES = 250  # scored at a time with the photos of a batch


def sentence_tensors(sentences: Sequence[Sequence[int]], *, max_words: int) -> tuple[Tensor, Tensor]:
    """Return encoded sentences as an aligner's input.

    Args:
        sentences: word numbers of ``N`` sentences; one without words becomes one unknown word.
        max_words: longer ones are cut.

    Returns:
        Word numbers ``(N, T)`` int64, END in padding, and lengths ``(N,)`` int64.
    """
    rows = [list(words[:max_words]) or [UNK] for words in sentences]
    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.full((len(rows), int(lengths.max())), END)
    for number, row in enumerate(rows):
        tokens[number, : len(row)] = torch.tensor(row)
    return tokens, lengths


def score_all(
    aligner: Aligner, photos: Iterable[PhotoFeatures], sentences: Sequence[Sequence[int]], *, max_words: int
) -> np.ndarray:
    """Score all sentences for all photos.

    Args:
        aligner: in evaluation mode.
        photos: what ``P`` photos are embedded from, in batches.
        sentences: encoded, ``S`` of them.
        max_words: longer sentences are cut.

    Returns:
        ``(P, S)`` float32.
    """
    device = aligner.pooling.device
    rows = []
    with torch.inference_mode():
        embedded = [
            aligner.embed_sentences(*(part.to(device) for part in sentence_tensors(batch, max_words=max_words)))
            for batch in (sentences[start : start + SENTENCES] for start in range(0, len(sentences), SENTENCES))
        ]
        for features in photos:
            images = aligner.embed_photos(PhotoFeatures(*(part.to(device) for part in features)))
            rows.append(torch.cat([aligner.scores(images, each) for each in embedded], dim=1).cpu().numpy())
    return np.concatenate(rows)


def rank(
    aligner: Aligner, photos: Iterable[PhotoFeatures], captions: Sequence[Sequence[Sequence[int]]], *, max_words: int
) -> RetrievalScores:
    """Rank photos for their sentences, ``captions``, and sentences for their photos; see :func:`score_all`."""
    sentences = [sentence for photo in captions for sentence in photo]
    owners = np.repeat(np.arange(len(captions)), [len(photo) for photo in captions])
    return retrieval(score_all(aligner, photos, sentences, max_words=max_words), owners)
