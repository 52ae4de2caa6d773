"""Phrases with boxes as a grounder learns from them: vectors of a trained aligner, and where people drew boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seetell.data.entity_phrases import PhotoPhrases
from seetell.tasks.grounding.models.grounder import phrase_vector
from seetell.tasks.retrieval.models.windows import overlaps
from seetell.tasks.retrieval.trained import TrainedAligner
from seetell.tasks.retrieval.validation import sentence_tensors


@dataclass(frozen=True)
class Phrases:
    """The phrases of photos, those of one photo after those of another. Letters: ``M`` phrases, ``L`` cells.

    Attributes:
        vectors: ``(M, 2·H)`` float16.
        boxes: around all that a phrase means, ``(M, 4)`` float32 xyxy in shares of the photo.
        cover: the share of each cell that is in one of its boxes, ``(M, L)`` float16.
        counts: how many phrases each photo has.
    """

    vectors: Tensor
    boxes: Tensor
    cover: Tensor
    counts: np.ndarray

    def rows(self, photos: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return where phrases of photos are, ``(B, N)``.

        Args:
            photos: positions of photos, ``(B,)``.
            chosen: which of its phrases, ``(B, N)``.
        """
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        rows: np.ndarray = starts[photos][:, None] + chosen
        return rows


def read_phrases(photos: Sequence[PhotoPhrases], model: TrainedAligner) -> Phrases:
    """Embed the phrases of photos, and lay their boxes over the encoder's grid."""
    vectors = [_vectors(photo, model) for photo in photos]
    grid = model.encoder.grid_size
    cover = [cell_cover(boxes, grid) for photo in photos for boxes in photo.normalised_boxes()]
    return Phrases(
        torch.cat(vectors),
        torch.from_numpy(np.concatenate([photo.enclosing() for photo in photos]).astype(np.float32)),
        torch.from_numpy(np.stack(cover).astype(np.float16)),
        np.array([len(photo.spans) for photo in photos]),
    )


def cell_cover(boxes: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Return the share of each cell of a grid that boxes cover, ``(L,)``.

    Boxes that overlap within a cell count as if they did so at random: 1 − Π (1 − share).

    Args:
        boxes: ``(K, 4)`` xyxy in shares of the photo.
        grid: rows and columns.
    """
    shares = overlaps(boxes, grid) * grid[0] * grid[1]
    cover: np.ndarray = 1 - np.prod(1 - shares, axis=0)
    return cover


def _vectors(photo: PhotoPhrases, model: TrainedAligner) -> Tensor:
    """Return the vectors of a photo's phrases, ``(N, 2·H)`` float16."""
    encoded = [model.vocabulary.encode(list(words)) for words in photo.sentences]
    if not encoded:
        return torch.zeros(0, 2 * model.recipe.aligner.width, dtype=torch.float16)
    with torch.inference_mode():
        embedded = model.aligner.embed_sentences(*sentence_tensors(encoded, max_words=model.recipe.data.max_words))
        assert embedded.words is not None
        said = [phrase_vector(embedded.words[row, start:stop]) for row, start, stop in photo.spans]
    return torch.stack(said).half()
