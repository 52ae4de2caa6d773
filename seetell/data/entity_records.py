"""The records of Flickr30k Entities: photos, the phrases of their sentences, and boxes of the phrases."""

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
    """A phrase of a sentence that refers to an entity, to which other sentences may refer too.

    Attributes:
        start: index of its first token.
        end: index after its last token.
        entity: the entity's id within the photo; ``None`` for something not visible (``notvisual``).
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
        tokens: words and punctuation as written.
        phrases: in the order of their words, without overlaps.
    """

    number: int
    tokens: tuple[str, ...]
    phrases: tuple[Phrase, ...]

    @property
    def text(self) -> str:
        """The sentence without markup."""
        return " ".join(self.tokens)

    def words(self, phrase: Phrase) -> tuple[str, ...]:
        """Return the tokens of one of its phrases."""
        return self.tokens[phrase.start : phrase.end]


@dataclass(frozen=True)
class Entity:
    """An entity in a photo, to which phrases refer.

    Attributes:
        id: its id within the photo.
        boxes: ``xyxy`` in pixels; several if the phrase refers to several things, possibly none.
        scene: whether it is the scene as a whole.
        nobox: whether it has no box because it is too large, abstract or not in the photo.
    """

    id: str
    boxes: tuple[Box, ...] = ()
    scene: bool = False
    nobox: bool = False


@dataclass(frozen=True)
class EntityPhoto:
    """A photo with the phrases of its sentences and their boxes.

    Attributes:
        photo: the photo, its captions and its split in the data set of captions.
        size: width and height in pixels of the upright photo; the boxes are in these pixels.
        stated_size: width and height of the photo that was annotated.
        sentences: in the order of the file.
        entities: by id.
    """

    photo: PhotoRecord
    size: tuple[int, int]
    stated_size: tuple[int, int]
    sentences: tuple[Sentence, ...]
    entities: Mapping[str, Entity]

    def boxes_of(self, phrase: Phrase) -> tuple[Box, ...]:
        """Return the boxes of a phrase's entity, possibly none."""
        entity = None if phrase.entity is None else self.entities.get(phrase.entity)
        return () if entity is None else entity.boxes

    def located(self) -> Iterator[tuple[Sentence, Phrase, tuple[Box, ...]]]:
        """Yield the phrases that have boxes, on which localisation is evaluated."""
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
    """

    source: Path
    photos: tuple[EntityPhoto, ...]
    problems: tuple[Problem, ...] = ()

    def split(self, name: str) -> tuple[EntityPhoto, ...]:
        """Return the photos of one split.

        Args:
            name: ``train``, ``val`` or ``test``.

        Raises:
            DataError: the name is another.
        """
        check_split(name)
        return tuple(photo for photo in self.photos if photo.photo.split == name)
