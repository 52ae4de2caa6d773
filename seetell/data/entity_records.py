"""What the reader of Flickr30k Entities hands on: photos, the phrases of their sentences, and boxes for the phrases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seetell.data.records import PhotoRecord, Problem, check_split
from seetell.geometry.boxes import Box

TYPES = (
    "people",
    "clothing",
    "bodyparts",
    "animals",
    "vehicles",
    "instruments",
    "scene",
    "other",
    "notvisual",
)
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
class EntityDataset:
    """Photos with phrases and boxes.

    Attributes:
        source: the folder read.
        photos: in the order of the data set of captions.
        problems: problems found; items that cannot be used are skipped.
        notes: remarks other than problems, such as how the splits were made.
    """

    source: Path
    photos: tuple[EntityPhoto, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    def split(self, name: str) -> tuple[EntityPhoto, ...]:
        """Return the photos of one split.

        Args:
            name: ``train``, ``val`` or ``test``.

        Raises:
            DataError: the name is none of these.
        """
        check_split(name)
        return tuple(photo for photo in self.photos if photo.photo.split == name)
