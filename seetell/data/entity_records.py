"""What the reader of Flickr30k Entities hands on: photos, the phrases of their sentences, and boxes for the phrases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.data.records import PhotoDataset, PhotoRecord
from seetell.geometry.boxes import Box, Boxes, enclosing
from seetell.language.reading import tokens_read

TYPES = ("people", "clothing", "bodyparts", "animals", "vehicles", "instruments", "scene", "other", "notvisual")
"""The coarse types of phrases, in the order in which papers print them; ``notvisual`` phrases have no entity."""


@dataclass(frozen=True)
class Phrase:
    """Some words of a sentence that mean one entity, which other sentences may mean as well.

    Attributes:
        start: its first token.
        end: the token after its last.
        entity: the entity's id within the photo; ``None`` for what cannot be seen (``notvisual``).
        types: one or more of ``TYPES``.
    """

    start: int
    end: int
    entity: str | None
    types: tuple[str, ...]


@dataclass(frozen=True)
class Sentence:
    """A sentence with its phrases.

    Attributes:
        number: its line in the file, from 0. Flickr8k numbers the same sentences in another order.
        tokens: the words as written, punctuation apart.
        phrases: in the order of their words; none overlaps another.
    """

    number: int
    tokens: tuple[str, ...]
    phrases: tuple[Phrase, ...]

    @property
    def text(self) -> str:
        """The sentence without mark-up."""
        return " ".join(self.tokens)

    def words(self, phrase: Phrase) -> tuple[str, ...]:
        """Return the tokens of one of its phrases."""
        return self.tokens[phrase.start : phrase.end]


@dataclass(frozen=True)
class Entity:
    """What phrases of a photo's sentences mean, and where it is.

    Attributes:
        id: its name within the photo.
        boxes: ``xyxy`` in float pixels; several where the phrase means several things, none where nobody drew one.
        scene: it is the scene as a whole.
        nobox: it cannot be framed or is not in the photo.
    """

    id: str
    boxes: tuple[Box, ...] = ()
    scene: bool = False
    nobox: bool = False


@dataclass(frozen=True)
class EntityPhoto:
    """A photo whose sentences' phrases are tied to boxes.

    Attributes:
        photo: the photo, its captions and its split as the data set of captions has them.
        size: width and height in pixels of the file at hand, upright. The boxes are in these pixels.
        stated_size: width and height of the photo that the boxes were drawn on.
        sentences: in the order of the file.
        entities: by id.
    """

    photo: PhotoRecord
    size: tuple[int, int]
    stated_size: tuple[int, int]
    sentences: tuple[Sentence, ...]
    entities: Mapping[str, Entity]

    @property
    def id(self) -> int | str:
        """The photo's id."""
        return self.photo.id

    @property
    def path(self) -> Path:
        """The photo's file."""
        return self.photo.path

    @property
    def split(self) -> str:
        """The photo's split."""
        return self.photo.split

    def boxes_of(self, phrase: Phrase) -> tuple[Box, ...]:
        """Return the boxes of what a phrase means, possibly none."""
        entity = None if phrase.entity is None else self.entities.get(phrase.entity)
        return () if entity is None else entity.boxes

    def located(self) -> Iterator[tuple[Sentence, Phrase, tuple[Box, ...]]]:
        """Yield the phrases that have boxes, those that localisation is measured on."""
        for sentence in self.sentences:
            for phrase in sentence.phrases:
                boxes = self.boxes_of(phrase)
                if boxes:
                    yield sentence, phrase, boxes


@dataclass(frozen=True)
class EntityDataset(PhotoDataset[EntityPhoto]):
    """Photos with phrases and boxes, in the order of the data set of captions."""


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
    """Return a sentence's tokens as models read them, and start and end of the phrase among them."""
    before = tokens_read(" ".join(sentence.tokens[: phrase.start]))
    within = tokens_read(" ".join(sentence.words(phrase)))
    after = tokens_read(" ".join(sentence.tokens[phrase.end :]))
    return (*before, *within, *after), len(before), len(before) + len(within)
