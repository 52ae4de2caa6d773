"""Embeddings of images and sentences, as an aligner's graphs return them, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.language.vocabulary import END, UNK
from seetell.runtime.sessions import Graph

SENTENCE_BATCH = 256
_BLOCK = 2**25  # products of regions and words computed at once


@dataclass(frozen=True, eq=False)
class PhotoEmbeddings:
    """Images in the common space. Letters: ``P`` images, ``R`` regions, ``H`` length of an embedding.

    Attributes:
        regions: ``(P, R, H)`` float32, the whole image first; ``R`` is 0 where only whole images are compared.
        whole: ``(P, H)`` float32 of length 1; ``H`` is 0 where only regions are compared.
        grid: the encoder's grid, ``(P, L, D)`` float32, which only phrase grounding needs; ``None`` where it was not
            asked for.
        tags: what the tagger found, by name, ``(P, …)``; ``None`` as for :attr:`grid`, and where no tags are read.
    """

    regions: np.ndarray
    whole: np.ndarray
    grid: np.ndarray | None = None
    tags: Mapping[str, np.ndarray] | None = None

    @classmethod
    def joined(cls, several: Sequence[PhotoEmbeddings]) -> PhotoEmbeddings:
        """Join embeddings, at least one; grids and tags are kept where all have them."""
        grids = [one.grid for one in several if one.grid is not None]
        tags = [one.tags for one in several if one.tags is not None]
        return cls(
            np.concatenate([one.regions for one in several]),
            np.concatenate([one.whole for one in several]),
            np.concatenate(grids) if len(grids) == len(several) else None,
            {name: np.concatenate([each[name] for each in tags]) for name in tags[0]}
            if len(tags) == len(several)
            else None,
        )

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, chosen: slice) -> PhotoEmbeddings:
        grid = None if self.grid is None else self.grid[chosen]
        tags = None if self.tags is None else {name: found[chosen] for name, found in self.tags.items()}
        return PhotoEmbeddings(self.regions[chosen], self.whole[chosen], grid, tags)


@dataclass(frozen=True, eq=False)
class SentenceEmbeddings:
    """Sentences in the common space. Letters: ``S`` sentences, ``M`` words of all of them.

    Attributes:
        tokens: each sentence's words, cut to the model's maximum.
        words: of all sentences one after the other, ``(M, H)`` float32, scaled so that a sentence's score is a sum;
            ``H`` is 0 where only whole images are compared.
        whole: ``(S, H)`` float32, scaled in the same way.
    """

    tokens: tuple[tuple[str, ...], ...]
    words: np.ndarray
    whole: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


def embed_features(graph: Graph, features: Mapping[str, np.ndarray]) -> PhotoEmbeddings:
    """Embed images from an encoder's features.

    Args:
        graph: ``image_embedding``.
        features: ``pooled`` ``(P, D)`` and ``grid`` ``(P, L, D)`` and, for a model that reads them, tags.
    """
    named = dict(zip(graph.outputs, graph.run(features, graph.outputs), strict=True))
    photos = len(features["pooled"])
    return PhotoEmbeddings(
        named.get("regions", np.zeros((photos, 0, 0), np.float32)),
        named.get("whole", np.zeros((photos, 0), np.float32)),
    )


def embed_tokens(graph: Graph, sentences: Sequence[Sequence[int]]) -> SentenceEmbeddings:
    """Embed sentences from their word indices; ``tokens`` of the result are those indices as text.

    Args:
        graph: ``sentence_embedding``.
        sentences: word indices; an empty one is read as one unknown word.
    """
    rows = [list(sentence) or [UNK] for sentence in sentences]
    words, wholes = [np.zeros((0, 0), np.float32)], [np.zeros((0, 0), np.float32)]
    for start in range(0, len(rows), SENTENCE_BATCH):
        batch = rows[start : start + SENTENCE_BATCH]
        lengths = np.array([len(row) for row in batch])
        numbers = np.full((len(batch), max(2, int(lengths.max()))), END)
        real = np.arange(numbers.shape[1]) < lengths[:, None]
        numbers[real] = np.concatenate(batch)
        outputs = graph.run({"tokens": numbers, "lengths": lengths}, graph.outputs)
        named = dict(zip(graph.outputs, outputs, strict=True))
        words.append(named["words"][real] if "words" in named else np.zeros((int(lengths.sum()), 0), np.float32))
        wholes.append(named.get("whole", np.zeros((len(batch), 0), np.float32)))
    tokens = tuple(tuple(map(str, row)) for row in rows)
    return SentenceEmbeddings(tokens, np.concatenate(words[1:] or words), np.concatenate(wholes[1:] or wholes))


def score(images: PhotoEmbeddings, sentences: SentenceEmbeddings) -> np.ndarray:
    """Score every image with every sentence: Σ_t max_i v_i·s_t plus the product of the whole embeddings.

    Returns:
        ``(P, S)`` float32.
    """
    if not len(images) or not len(sentences):
        return np.zeros((len(images), len(sentences)), np.float32)
    scores: np.ndarray = images.whole @ sentences.whole.T
    photos, regions, width = images.regions.shape
    if not regions:
        return scores
    starts = np.cumsum([0, *(len(tokens) for tokens in sentences.tokens[:-1])])
    step = max(1, _BLOCK // (regions * len(sentences.words)))
    for first in range(0, photos, step):
        block = images.regions[first : first + step]
        products = (block.reshape(-1, width) @ sentences.words.T).reshape(len(block), regions, -1)
        scores[first : first + step] += np.add.reduceat(products.max(axis=1), starts, axis=1)
    return scores


def scores_of(
    images: PhotoEmbeddings, sentences: SentenceEmbeddings, chosen: Sequence[Sequence[int]]
) -> list[list[float]]:
    """Score each image with some of the sentences, see :func:`score`.

    The products are so small that BLAS computes each on one thread: with threads of its own it would be in the way of
    those that process other batches.

    Args:
        images: ``P``.
        sentences: of all images.
        chosen: for each image the numbers of its sentences.
    """
    ends = np.cumsum([len(tokens) for tokens in sentences.tokens])
    words = np.split(sentences.words, ends[:-1])
    return [
        [
            float(whole @ sentences.whole[number])
            + (float((regions @ words[number].T).max(axis=0).sum()) if len(regions) else 0.0)
            for number in numbers
        ]
        for whole, regions, numbers in zip(images.whole, images.regions, chosen, strict=True)
    ]
