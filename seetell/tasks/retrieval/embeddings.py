"""Photos and sentences in one space, and their scores: what an aligner's graphs give, and how it is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seetell.errors import UsageError
from seetell.language.vocabulary import END, UNK
from seetell.runtime.sessions import Graph

SENTENCE_BATCH = 256
_BLOCK = 2**25  # products of regions and words looked at in one go


@dataclass(frozen=True, eq=False)
class PhotoEmbeddings:
    """Photos in the common space. Letters: ``P`` photos, ``R`` regions, ``H`` length of an embedding.

    Attributes:
        regions: ``(P, R, H)`` float32, the whole photo first; ``R`` is 0 where only wholes are compared.
        whole: ``(P, H)`` float32 of length 1; ``H`` is 0 where only regions are compared.
        grid: the encoder's grid, ``(P, L, D)`` float32, which only :meth:`Aligner.ground` needs; ``None`` where it was
            not asked for.
    """

    regions: np.ndarray
    whole: np.ndarray
    grid: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.whole)

    def __getitem__(self, chosen: slice) -> PhotoEmbeddings:
        grid = None if self.grid is None else self.grid[chosen]
        return PhotoEmbeddings(self.regions[chosen], self.whole[chosen], grid)


@dataclass(frozen=True, eq=False)
class SentenceEmbeddings:
    """Sentences in the common space. Letters: ``S`` sentences, ``M`` words of all of them.

    Attributes:
        tokens: each sentence's words, as many as were read.
        words: of all sentences one after the other, ``(M, H)`` float32, scaled so that a sentence's score is a sum; all
            of length 0 where only wholes are compared.
        whole: ``(S, H)`` float32, scaled in the same way.
    """

    tokens: tuple[tuple[str, ...], ...]
    words: np.ndarray
    whole: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)


def embed_features(graph: Graph, features: Mapping[str, np.ndarray]) -> PhotoEmbeddings:
    """Embed photos by what an encoder says of them.

    Args:
        graph: the aligner's for photos.
        features: ``pooled`` ``(P, D)`` and ``grid`` ``(P, L, D)``.
    """
    given = dict(zip(graph.outputs, graph.run(features, graph.outputs), strict=True))
    photos = len(features["pooled"])
    return PhotoEmbeddings(
        given.get("regions", np.zeros((photos, 0, 0), np.float32)),
        given.get("whole", np.zeros((photos, 0), np.float32)),
    )


def embed_tokens(graph: Graph, sentences: Sequence[Sequence[int]]) -> SentenceEmbeddings:
    """Embed sentences by their word numbers; ``tokens`` of the result are those numbers as text.

    Args:
        graph: the aligner's for sentences.
        sentences: word numbers; one without is read as one unknown word.
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
        given = dict(zip(graph.outputs, outputs, strict=True))
        words.append(given["words"][real] if "words" in given else np.zeros((int(lengths.sum()), 0), np.float32))
        wholes.append(given.get("whole", np.zeros((len(batch), 0), np.float32)))
    tokens = tuple(tuple(map(str, row)) for row in rows)
    return SentenceEmbeddings(tokens, np.concatenate(words[1:] or words), np.concatenate(wholes[1:] or wholes))


def phrase_words(sentences: SentenceEmbeddings, spans: Sequence[tuple[int, int, int]]) -> np.ndarray:
    """Return the mean of each phrase's words, and its last word, ``(N, 2·H)``.

    Raises:
        UsageError: a span is empty or not in its sentence.
    """
    starts = np.cumsum([0, *(len(tokens) for tokens in sentences.tokens)])
    phrases = []
    for sentence, start, stop in spans:
        if not (0 <= sentence < len(sentences) and 0 <= start < stop <= len(sentences.tokens[sentence])):
            raise UsageError(f"expected a sentence's number and a run of its words, got {sentence, start, stop}")
        first = starts[sentence]
        words = sentences.words[first + start : first + stop]
        phrases.append(np.concatenate([words.mean(axis=0), words[-1]]))
    return np.stack(phrases) if phrases else np.zeros((0, 2 * sentences.words.shape[1]), np.float32)


def score(images: PhotoEmbeddings, sentences: SentenceEmbeddings) -> np.ndarray:
    """Score all sentences for all photos: Σ_t max_i v_i·s_t plus the product of the wholes, ``(P, S)`` float32."""
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
