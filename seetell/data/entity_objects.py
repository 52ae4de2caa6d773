"""Flickr30k Entities as a data set of objects: its boxes, each of a coarse type or of a noun.

An entity with several boxes, "two dogs", is as many objects. Phrases of one entity may disagree: its class is the one
that most of them say, the first of those at a tie. Scenes are no objects: their boxes are most of the photo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from seetell.data.entities import TITLE, read_entities
from seetell.data.entity_records import TYPES, EntityDataset, EntityPhoto, Phrase, Sentence
from seetell.data.records import CaptionDataset, ObjectDataset, ObjectPhoto
from seetell.errors import DataError
from seetell.language.object_names import singular
from seetell.language.tokenizer import tokenize

BOXABLE = tuple(name for name in TYPES if name not in ("scene", "notvisual"))
"""The seven types of things that have boxes of their own."""

FEWEST = 100
"""Objects of a noun in the training photos that make it a class."""

FEWEST_SINGULAR = 10
"""Objects of a noun by which it is known as a word of its own."""

_COLOURS = """
beige black blue brown dark gold golden gray green grey orange pink purple red silver tan turquoise white yellow
"""
_PRONOUNS = "all another both each five four many one ones other others several some three two"
_NO_NOUNS = frozenset([*_COLOURS.split(), *_PRONOUNS.split()])
"""Words that phrases end with and that do not say what the thing is: ``a man in black``, ``the other``."""

Name = Callable[[Sentence, Phrase], Iterable[str]]


def read_entity_types(folder: Path, dataset: CaptionDataset) -> ObjectDataset:
    """Read boxes of the seven coarse types.

    Args:
        folder: of Flickr30k Entities.
        dataset: the photos and their splits.

    Raises:
        DataError: there is no such data set, or no photo has a box.
    """

    def types(sentence: Sentence, phrase: Phrase) -> Iterable[str]:
        return (name for name in phrase.types if name in BOXABLE)

    return _objects(read_entities(folder, dataset), types, lambda objects: {name: name for name in BOXABLE}, "types")


def read_entity_nouns(folder: Path, dataset: CaptionDataset, *, fewest: int = FEWEST) -> ObjectDataset:
    """Read boxes of the nouns of which training photos show at least ``fewest``.

    A phrase's noun is its last word, in the singular where that occurs by itself, ``hats`` as ``hat`` but not ``jeans``
    as ``jean``; phrases that end with a colour, a number or a pronoun have none. For the other arguments and errors see
    :func:`read_entity_types`.
    """

    def nouns(sentence: Sentence, phrase: Phrase) -> Iterable[str]:
        words = tokenize(" ".join(sentence.words(phrase)))
        if not words or words[-1] in _NO_NOUNS or phrase.types == ("scene",):
            return []
        return [singular(words[-1])]

    def frequent(objects: list[ObjectPhoto]) -> dict[str, str]:
        counts = Counter(name for photo in objects if photo.split == "train" for name in photo.classes)
        one = {name: name.removesuffix("s") for name in counts}
        nouns = {name: one[name] if counts[one[name]] >= FEWEST_SINGULAR else name for name in counts}
        totals: Counter[str] = Counter()
        for name, count in counts.items():
            totals[nouns[name]] += count
        return {name: noun for name, noun in nouns.items() if totals[noun] >= fewest}

    return _objects(read_entities(folder, dataset), nouns, frequent, f"nouns of {fewest} objects or more")


def _objects(
    entities: EntityDataset, name: Name, choose: Callable[[list[ObjectPhoto]], dict[str, str]], which: str
) -> ObjectDataset:
    """Make objects of boxes.

    Args:
        entities: the boxes.
        name: what a phrase calls its entity.
        choose: the class of each such name that has one.
        which: what the classes are, for people.
    """
    named = [_named(photo, name) for photo in entities.photos]
    class_of = choose(named)
    photos = tuple(_classified(photo, class_of) for photo in named)
    if not any(photo.boxes for photo in photos):
        raise DataError(f"{entities.source}: read as {TITLE}, but there is no box of its {which}")
    return ObjectDataset(
        entities.name,
        entities.source,
        photos,
        entities.problems,
        entities.notes,
        entities.single_split,
        f"{TITLE}, objects of its {which}",
        tuple(sorted(set(class_of.values()))),
    )


def _named(photo: EntityPhoto, name: Name) -> ObjectPhoto:
    """Return the boxes of a photo's entities with the names that most phrases give them."""
    votes: dict[str, Counter[str]] = {}
    for sentence, phrase, _ in photo.located():
        if phrase.entity is not None:
            votes.setdefault(phrase.entity, Counter()).update(name(sentence, phrase))
    sides = np.tile(np.array(photo.size, np.float64), 2)
    boxes, classes = [], []
    for entity, counted in votes.items():
        if not counted:
            continue
        ((label, _),) = counted.most_common(1)
        for box in photo.entities[entity].boxes:
            left, upper, right, lower = np.clip(np.array(box) / sides, 0, 1).tolist()
            if left < right and upper < lower:
                boxes.append((left, upper, right, lower))
                classes.append(label)
    return ObjectPhoto(photo.id, photo.path, tuple(boxes), tuple(classes), photo.split)


def _classified(photo: ObjectPhoto, class_of: Mapping[str, str]) -> ObjectPhoto:
    """Return a photo with the objects that have a class."""
    kept = [(box, class_of[name]) for box, name in zip(photo.boxes, photo.classes, strict=True) if name in class_of]
    return replace(photo, boxes=tuple(box for box, _ in kept), classes=tuple(label for _, label in kept))
