"""A model whose vectors are a photo's mean colours, and a sentence's the colours that it names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.errors import PhotoError
from seetell.language.reading import Reading, read_sentence
from seetell.language.vocabulary import SPECIALS, Vocabulary
from seetell.photos.opening import open_photo

COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1), "yellow": (1, 1, 0)}


class ColourEmbedder:
    """Counts what it is asked for."""

    def __init__(self, name: str = "colours", identity: str = "colours-1") -> None:
        self.name, self.identity = name, identity
        self.asked: list[str] = []

    def photo_vectors(self, photos: Sequence[str]) -> list[np.ndarray | PhotoError]:
        self.asked += photos
        return [self._vector(photo) for photo in photos]

    def sentence_vectors(self, sentences: Sequence[str]) -> np.ndarray:
        for sentence in sentences:
            self.read(sentence).require_content()
        named = [[COLOURS[word] for word in sentence.split() if word in COLOURS] for sentence in sentences]
        return np.array([np.sum(colours, axis=0) for colours in named], np.float32)

    def read(self, text: str) -> Reading:
        return read_sentence(text, Vocabulary((*SPECIALS, *COLOURS)), max_words=24)

    read_query = read

    def _vector(self, photo: str) -> np.ndarray | PhotoError:
        try:
            return np.asarray(open_photo(photo)).reshape(-1, 3).mean(axis=0).astype(np.float32) + 1
        except PhotoError as error:
            return error
