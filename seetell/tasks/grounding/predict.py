"""Sentences laid over photos: cut into phrases, each with its box."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from seetell.errors import PhotoError
from seetell.geometry.boxes import Box
from seetell.language.phrases import segment_sentence
from seetell.language.vocabulary import UNK, detokenise
from seetell.photos.opening import PhotoSource, open_photo, photo_size
from seetell.results import Alignment, Region

if TYPE_CHECKING:
    from seetell.tasks.retrieval.embeddings import PhotoEmbeddings, SentenceEmbeddings
    from seetell.tasks.retrieval.predict import Aligner

BATCH = 16


def align_pairs(
    model: Aligner, pairs: Iterable[tuple[PhotoSource, str]], *, beta: float
) -> Iterator[Alignment | PhotoError]:
    """Lay each sentence over its photo; see :meth:`seetell.Aligner.align_many`."""
    pairs = iter(pairs)
    while batch := list(itertools.islice(pairs, BATCH)):
        photos = [_read(photo) for photo, _ in batch]
        sentences = model.embed_sentences(text for _, text in batch)
        for row, image in enumerate(model.embed_each(photos, with_grid=True)):
            try:
                if isinstance(image, PhotoError):
                    raise image
                size = _size(photos[row])
            except PhotoError as error:
                yield error
                continue
            score = float(model.score(image, sentences)[0, row])
            found = tuple(_segments(model, image, sentences, row, size, beta))
            yield Alignment(batch[row][1], found, score, size, model.name)


def _read(photo: PhotoSource) -> PhotoSource:
    """Return what can be opened twice."""
    read = getattr(photo, "read", None)
    return read() if callable(read) else photo


def _size(photo: PhotoSource) -> tuple[int, int]:
    if isinstance(photo, str | os.PathLike | bytes):
        return photo_size(photo)
    return open_photo(photo).size


def _segments(
    model: Aligner, image: PhotoEmbeddings, sentences: SentenceEmbeddings, row: int, size: tuple[int, int], beta: float
) -> Iterator[Region]:
    tokens = sentences.tokens[row]
    known = [number != UNK for number in model.bundle.vocabulary.encode(tokens)]
    spans = segment_sentence(tokens, model.word_scores(image, sentences)[row], known=known, beta=beta)
    if not spans:
        return
    found = model.ground(image, sentences, [(row, *span) for span in spans])
    boxes = _in_pixels(found.boxes, covered=model.bundle.preprocessing.visible_box(size), size=size)
    for (start, stop), box, score in zip(spans, boxes, found.scores, strict=True):
        yield Region(detokenise(tokens[start:stop]), box, float(score))


def _in_pixels(boxes: np.ndarray, *, covered: Box, size: tuple[int, int]) -> list[Box]:
    """Turn boxes in shares of what the model saw into pixels of the photo, none beyond its edges."""
    left, top, right, bottom = covered
    scale, origin = np.tile([right - left, bottom - top], 2), np.tile([left, top], 2)
    placed = np.clip(boxes.astype(np.float64) * scale + origin, 0, np.tile(size, 2))
    return [tuple(box) for box in placed.round(2).tolist()]
