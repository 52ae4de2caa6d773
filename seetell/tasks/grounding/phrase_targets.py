"""Phrases with boxes as training targets: vectors of a trained aligner, and where their boxes are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seetell.data.entity_records import PhotoPhrases
from seetell.geometry.boxes import overlaps
from seetell.tasks.grounding.model import phrase_vector
from seetell.tasks.retrieval.validation import sentence_tensors
from seetell.training.trained import Trained


@dataclass(frozen=True)
class PhraseTargets:
    """The phrases of photos, those of one photo after those of another. Letters: ``M`` phrases, ``L`` cells.

    Attributes:
        vectors: ``(M, 2·H)`` float16.
        boxes: around all that a phrase refers to, ``(M, 4)`` float32 xyxy, normalised to [0, 1].
        coverage: how much of each cell its boxes cover, ``(M, L)`` float16.
        counts: number of phrases of each photo.
    """

    vectors: Tensor
    boxes: Tensor
    coverage: Tensor
    counts: np.ndarray

    def rows(self, photos: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return the positions of phrases of photos, ``(B, N)``.

        Args:
            photos: positions of photos, ``(B,)``.
            chosen: positions among each photo's phrases, ``(B, N)``.
        """
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        rows: np.ndarray = starts[photos][:, None] + chosen
        return rows


def read_phrase_targets(photos: Sequence[PhotoPhrases], aligner: Trained) -> PhraseTargets:
    """Embed the phrases of photos, and lay their boxes over the encoder's grid."""
    vectors = [_vectors(photo, aligner) for photo in photos]
    grid = aligner.encoder.grid_size
    coverage = [cell_coverage(boxes, grid) for photo in photos for boxes in photo.normalised_boxes()]
    return PhraseTargets(
        torch.cat(vectors),
        torch.from_numpy(np.concatenate([photo.enclosing() for photo in photos]).astype(np.float32)),
        torch.from_numpy(np.stack(coverage).astype(np.float16)),
        np.array([len(photo.spans) for photo in photos]),
    )


def cell_coverage(boxes: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return how much of each cell of a grid boxes cover, ``(L,)``.

    Boxes that overlap within a cell count as if they did so at random: 1 − Π (1 − coverage).

    Args:
        boxes: ``(K, 4)`` xyxy, normalised to [0, 1].
        grid: rows and columns.
    """
    each = overlaps(boxes, grid) * grid[0] * grid[1]
    coverage: np.ndarray = 1 - np.prod(1 - each, axis=0)
    return coverage


def _vectors(photo: PhotoPhrases, aligner: Trained) -> Tensor:
    """Return the vectors of a photo's phrases, ``(N, 2·H)`` float16."""
    assert aligner.vocabulary is not None
    encoded = [aligner.vocabulary.encode(list(words)) for words in photo.sentences]
    if not encoded:
        return torch.zeros(
            0, 2 * aligner.config.section.aligner.members * aligner.config.section.aligner.width, dtype=torch.float16
        )
    with torch.inference_mode():
        sentences = sentence_tensors(encoded, max_words=aligner.config.data.max_words)
        words = aligner.model.embed_sentences(*sentences).words
        vectors = [phrase_vector(words[row, start:stop]) for row, start, stop in photo.spans]
    return torch.stack(vectors).half()
