"""The phrases of Flickr30k Entities as spans of a model's tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seetell.data.entity_records import EntityPhoto, Phrase, Sentence
from seetell.geometry.boxes import Boxes, enclosing
from seetell.language.tokenizer import tokenize


@dataclass(frozen=True)
class PhotoPhrases:
    """The ``N`` phrases of one photo that have boxes.

    Attributes:
        sentences: the words of their sentences; a long sentence may occur twice, cut in different ways.
        spans: for each phrase the indices of its sentence, its first word and the word after its last.
        boxes: for each phrase ``(K, 4)`` xyxy in pixels of the photo, ``K`` ≥ 1.
        types: types of each phrase.
        size: width and height of the photo in pixels.
    """

    sentences: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[int, int, int], ...]
    boxes: tuple[Boxes, ...]
    types: tuple[tuple[str, ...], ...]
    size: tuple[int, int]

    def normalised_boxes(self) -> tuple[Boxes, ...]:
        """Return the boxes normalised to [0, 1]."""
        return tuple(boxes / np.tile(np.array(self.size, np.float64), 2) for boxes in self.boxes)

    def enclosing(self) -> Boxes:
        """Return the smallest box around those of each phrase, normalised to [0, 1], ``(N, 4)``."""
        return np.array([enclosing(boxes) for boxes in self.normalised_boxes()]).reshape(-1, 4)


def photo_phrases(photo: EntityPhoto, *, max_words: int) -> PhotoPhrases:
    """Find the tokens of a photo's phrases.

    Args:
        photo: the photo with its sentences and boxes.
        max_words: longest input of the model, in words. For a phrase beyond it, the sentence is cut so that it ends
            with the phrase.

    Returns:
        All phrases that have boxes, except those without a word or longer than ``max_words``.
    """
    numbers: dict[tuple[str, ...], int] = {}
    rows = []
    for sentence, phrase, boxes in photo.located():
        words, start, stop = _words(sentence, phrase)
        if not 0 < stop - start <= max_words:
            continue
        skipped = max(0, stop - max_words)
        read = words[skipped : skipped + max_words]
        number = numbers.setdefault(read, len(numbers))
        rows.append(((number, start - skipped, stop - skipped), np.array(boxes, np.float64), phrase.types))
    spans, all_boxes, types = zip(*rows, strict=True) if rows else ((), (), ())
    return PhotoPhrases(tuple(numbers), spans, all_boxes, types, photo.size)


def _words(sentence: Sentence, phrase: Phrase) -> tuple[tuple[str, ...], int, int]:
    """Return a sentence's tokens, and start and end of the phrase among them."""
    before = tokenize(" ".join(sentence.tokens[: phrase.start]))
    within = tokenize(" ".join(sentence.words(phrase)))
    after = tokenize(" ".join(sentence.tokens[phrase.end :]))
    return (*before, *within, *after), len(before), len(before) + len(within)
