"""A trigram model of classes of words: how usual a word of a class is after those before it.

Brown et al., "Class-Based n-gram Models of Natural Language" (Computational Linguistics, 1992): words that occur in the
same places are of one class, so that a small model of three words in a row knows in which order nobody writes them.
Probabilities are smoothed with those of shorter histories, as by Witten & Bell, "The Zero-Frequency Problem" (1991).

Of the words before, *modifiers* such as "white" or "large" are skipped but for the last one, and "and" between them: in
"a large and red …" a word follows "a" and "red", which no plural does.

Letters: ``K`` classes, ``V`` words of the vocabulary, ``N`` sentences, ``T`` words of each.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from zipfile import BadZipFile

import numpy as np

from seetell.language.vocabulary import END, START
from seetell.regular_file import open_regular

MAX_CLASSES = 200
_MAX_BYTES = MAX_CLASSES**3 + 2**20
"""Of the arrays of a file, unpacked."""

_MAX_LEVEL = 80
_COUNTS = np.concatenate([[0], 2 ** (np.arange(_MAX_LEVEL) / 2)]).astype(np.float32)
"""By the level that a file has of each."""

_DAMAGED = (
    *(AttributeError, BadZipFile, EOFError, KeyError, MemoryError, OverflowError, RuntimeError, TypeError),
    *(UnpicklingError, ValueError, zlib.error),
)
"""What reading such a file raises."""


class WordClasses:
    """The classes of a vocabulary's words.

    Args:
        classes: ``(V,)``, the class of each word; START and END are of the same one.
        modifiers: ``(K,)`` bool, which classes are modifiers.
        conjunction: the id of "and".
    """

    def __init__(self, classes: np.ndarray, modifiers: np.ndarray, conjunction: int) -> None:
        self.classes, self.modifiers, self.conjunction = classes.astype(np.intp), modifiers.astype(bool), conjunction

    def history(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the two classes, ``(N,)`` each, that the next word follows, after words ``(N, T)``."""
        words = np.concatenate([np.full((len(tokens), 2), START), tokens], axis=1)
        classes = self.classes[words]
        modifiers, joins = self.modifiers[classes], words == self.conjunction
        first, second = classes[:, -2].copy(), classes[:, -1]
        skipping = modifiers[:, -1].copy()
        for place in range(words.shape[1] - 2, 0, -1):
            skipping &= modifiers[:, place] | (joins[:, place] & modifiers[:, place - 1])
            first[skipping] = classes[skipping, place - 1]
        return first, second

    def values(self, table: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        """Return for each word that may come next the value of a table of classes, ``(N, V)``.

        Args:
            table: by the classes of two words and of the one after them, ``(K, K, K)``.
            tokens: the words so far, ``(N, T)``.
        """
        values: np.ndarray = table[self.history(tokens)][:, self.classes]
        return values

    def count_trigrams(self, sentences: Sequence[Sequence[int]]) -> np.ndarray:
        """Return how often a class follows two others in sentences of word ids, ``(K, K, K)``, END included."""
        count = len(self.modifiers)
        counts = np.zeros((count, count, count), np.float32)
        for length in range(max(map(len, sentences)) + 1):
            rows = [[*sentence, END][: length + 1] for sentence in sentences if len(sentence) >= length]
            words = np.array(rows, dtype=np.int64)  # (N, T + 1)
            np.add.at(counts, (*self.history(words[:, :-1]), self.classes[words[:, -1]]), 1)
        return counts


class ClassTrigrams:
    """A trigram model of classes.

    Attributes:
        words: the classes.
        logprobs: ``(K, K, K)`` float32, of a class after two others.

    Args:
        words: the classes.
        counts: ``(K, K, K)`` float32, how often a class follows two others.
    """

    def __init__(self, words: WordClasses, counts: np.ndarray) -> None:
        self.words = words
        unigrams = _witten_bell(counts.sum(axis=(0, 1)), np.full(len(counts), 1 / len(counts), np.float32))
        bigrams = _witten_bell(counts.sum(axis=0), unigrams)
        seen = counts.any(axis=2)
        shorter = np.broadcast_to(bigrams, counts.shape)
        self.logprobs = np.broadcast_to(np.log(bigrams), counts.shape).copy()
        self.logprobs[seen] = np.log(_witten_bell(counts[seen], shorter[seen]))

    @classmethod
    def load(cls, path: Path, *, vocabulary_size: int, conjunction: int) -> ClassTrigrams:
        """Read a model.

        Args:
            path: what :func:`save_trigrams` wrote.
            vocabulary_size: ``V``.
            conjunction: the id of "and".

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no such model, or one of another number of words.
        """
        try:
            with open_regular(path) as content, np.load(content, allow_pickle=False) as file:
                if sum(member.file_size for member in file.zip.infolist()) > _MAX_BYTES:
                    raise OverflowError
                classes, modifiers, levels = (file[name] for name in ("classes", "modifiers", "levels"))
                count = modifiers.size
                found = [(each.shape, each.dtype.name) for each in (modifiers, levels)]
        except _DAMAGED as error:
            raise ValueError("it is no model of word classes") from error
        if count > MAX_CLASSES or found != [((count,), "bool"), ((count, count, count), "uint8")]:
            raise ValueError("it is no model of word classes")
        if classes.shape != (vocabulary_size,) or classes.dtype != np.uint8 or classes.max() >= count:
            raise ValueError(f"it is no model of the classes of {vocabulary_size} words")
        if not 0 < levels.max() <= _MAX_LEVEL:
            raise ValueError("it has counted nothing, or too much")
        return cls(WordClasses(classes, modifiers, conjunction), _COUNTS[levels])


def save_trigrams(path: Path, words: WordClasses, counts: np.ndarray) -> None:
    """Write a model with counts rounded to powers of the root of 2, and without what occurred once."""
    levels = np.where(counts > 1, np.rint(2 * np.log2(np.maximum(counts, 1))) + 1, 0).astype(np.uint8)
    np.savez_compressed(path, classes=words.classes.astype(np.uint8), modifiers=words.modifiers, levels=levels)


def _witten_bell(counts: np.ndarray, shorter: np.ndarray) -> np.ndarray:
    """Return probabilities ``(…, K)`` from counts, mixed with those of shorter histories."""
    total = counts.sum(axis=-1, keepdims=True)
    kinds = (counts > 0).sum(axis=-1, keepdims=True, dtype=np.float32)
    mixed: np.ndarray = np.where(total > 0, (counts + kinds * shorter) / np.maximum(total + kinds, 1), shorter)
    return mixed
