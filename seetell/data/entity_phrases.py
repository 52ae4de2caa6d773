"""The phrases of Flickr30k Entities as runs of the words that models read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seetell.data.entity_records import EntityPhoto, Phrase, Sentence
from seetell.geometry.boxes import Boxes, enclosing
from seetell.language.tokenizer import tokenize


@dataclass(frozen=True)
class PhotoPhrases:
    """The phrases of one photo that have boxes, ``N`` of them.

    Attributes:
        sentences: the words they are in; a long sentence may come twice, cut in different ways.
        spans: of each phrase the sentence, its first word and the word after its last.
        boxes: of each phrase, ``(K, 4)`` xyxy in the photo's pixels, ``K`` of 1 or more.
        types: of each phrase.
        size: width and height of the photo in pixels.
    """

    sentences: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[int, int, int], ...]
    boxes: tuple[Boxes, ...]
    types: tuple[tuple[str, ...], ...]
    size: tuple[int, int]

    def shares(self) -> tuple[Boxes, ...]:
        """Return the boxes in shares of the photo's width and height."""
        return tuple(boxes / np.tile(np.array(self.size, np.float64), 2) for boxes in self.boxes)

    def enclosing(self) -> Boxes:
        """Return the smallest box around those of each phrase in shares of the photo, ``(N, 4)``."""
        return np.array([enclosing(boxes) for boxes in self.shares()]).reshape(-1, 4)


def photo_phrases(photo: EntityPhoto, *, max_words: int) -> PhotoPhrases:
    """Find the words that a photo's phrases are.

    Args:
        photo: with its sentences and boxes.
        max_words: a model reads no more. A phrase beyond is found in so many words that end with it.

    Returns:
        All phrases that have boxes, but those without a word or longer than a model reads.
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
    """Return a sentence's words as the tokenizer gives them, and which of them are the phrase."""
    before = tokenize(" ".join(sentence.tokens[: phrase.start]))
    within = tokenize(" ".join(sentence.words(phrase)))
    after = tokenize(" ".join(sentence.tokens[phrase.end :]))
    return (*before, *within, *after), len(before), len(before) + len(within)
