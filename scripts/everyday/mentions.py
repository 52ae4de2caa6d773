"""What sentences mention: classes of objects and how many, and the words that are detected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from corpus import Corpus, PhotoSet
from torch import Tensor
from vocabulary import Words

from seetell.language.object_names import CLASSES, object_mentions

_ALWAYS_PLURAL = {"bus", "skis", "scissors", "tennis", "glass"}
_PLURALS = {"men", "women", "people", "children", "geese", "sheep", "cattle"}


@dataclass(frozen=True)
class Mentions:
    """What ``S`` sentences without photos mention.

    Attributes:
        objects: classes, ``(S, 80)`` bool.
        counts: how many of each, 1, 2, or 3 for more, ``(S, 80)``; 0 of those not mentioned.
        words: detected words, ``(S, W)`` bool.
        owners: the photo of each sentence, ``(S,)``.
        detected: the numbers of detected words.
    """

    objects: np.ndarray
    counts: np.ndarray
    words: np.ndarray
    owners: np.ndarray
    detected: dict[str, int]

    @classmethod
    def of(cls, corpus: Corpus, words: Words) -> Mentions:
        """Read the sentences of a corpus."""
        detected = {word: number for number, word in enumerate(words.detected)}
        counts = np.stack([object_counts(sentence) for sentence in corpus.sentences])
        said = np.stack([_said(sentence, detected) for sentence in corpus.sentences])
        return cls(counts > 0, counts, said, corpus.owners, detected)

    def by_photo(self) -> tuple[Tensor, Tensor]:
        """Return for each photo of the sentences its classes ``(P, 80)``, 0 or 1, and shares of words ``(P, W)``."""
        photos = self.owners.max() + 1
        objects, words = (
            np.zeros((photos, len(CLASSES)), np.float32),
            np.zeros((photos, self.words.shape[1]), np.float32),
        )
        np.maximum.at(objects, self.owners, self.objects.astype(np.float32))
        np.add.at(words, self.owners, self.words.astype(np.float32))
        return torch.from_numpy(objects), torch.from_numpy(words / np.bincount(self.owners).astype(np.float32)[:, None])

    def of_photos(self, photos: PhotoSet) -> tuple[np.ndarray, np.ndarray]:
        """Return the classes ``(N, 80)`` and the words ``(N, W)``, bool, that a caption of each photo mentions."""
        counts = [np.max([object_counts(tokens) for tokens in own], axis=0) for own in photos.tokens]
        return np.array(counts) > 0, self.shares(photos) > 0

    def shares(self, photos: PhotoSet) -> np.ndarray:
        """Return the share of each photo's captions that have each detected word, ``(N, W)`` float32."""
        rows = [np.mean([_said(tokens, self.detected) for tokens in own], axis=0) for own in photos.tokens]
        return np.array(rows, np.float32)


def object_counts(tokens: Sequence[str]) -> np.ndarray:
    """Return how many of each class a sentence mentions, ``(80,)``: 0, 1, 2, or 3 for more."""
    counts = np.zeros(len(CLASSES), np.int8)
    for name, begin, end in object_mentions(tokens):
        last = tokens[end - 1]
        plural = last in _PLURALS or (last.endswith("s") and last not in _ALWAYS_PLURAL)
        two = "two" in tokens[max(0, begin - 2) : begin] or "couple" in tokens[:begin]
        counts[CLASSES.index(name)] = (2 if two else 3) if plural else 1
    return counts


def _said(tokens: Sequence[str], detected: dict[str, int]) -> np.ndarray:
    row = np.zeros(len(detected), bool)
    row[[detected[token] for token in tokens if token in detected]] = True
    return row
