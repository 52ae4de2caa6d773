"""The records of data sets: photos with captions or described regions, their splits, and problems found."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, Protocol, TypeVar, get_args

import numpy as np

from seetell.errors import DataError, unknown
from seetell.geometry.boxes import Box
from seetell.geometry.key_points import KeyPoints

SPLITS = ("train", "val", "test")

ProblemKind = Literal[
    "missing-photo",
    "unreadable-photo",
    "duplicate-id",
    "duplicate-photo",
    "duplicate-content",
    "empty-caption",
    "photo-without-caption",
    "caption-without-photo",
    "two-splits",
    "no-split",
    "unknown-in-split",
    "missing-annotation",
    "entity-without-box",
    "box-outside-photo",
    "box-without-area",
    "unknown-type",
    "malformed",
]

TOLD = 5
"""Problems of a data set that are told at most, one by one."""


def check_split(name: str) -> None:
    """Check that a split is one of ``SPLITS``.

    Raises:
        DataError: it is not.
    """
    if name not in SPLITS:
        raise DataError(unknown("split", name, SPLITS))


def printable(text: str) -> str:
    """Escape control characters and lone surrogates, which break lines and terminals."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


@dataclass(frozen=True)
class PhotoRecord:
    """A photo, or a region of one, with its reference captions.

    Attributes:
        id: its id, unique in the data set; results files refer to it.
        path: the image file.
        captions: reference captions as written, at least one.
        split: ``train``, ``val`` or ``test``.
        box: the region that the captions describe, ``xyxy`` in pixels of the photo; ``None`` for the whole photo.
    """

    id: int | str
    path: Path
    captions: tuple[str, ...]
    split: str
    box: Box | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(f"photo {self.id!r}: {unknown('split', self.split, SPLITS)}")


@dataclass(frozen=True)
class Problem:
    """A problem with one item of a data set, which does not affect the others.

    ``where`` and ``message`` are made printable.

    Attributes:
        kind: one of ``ProblemKind``, under which it is reported.
        where: the file and line, or the photo.
        message: what was found and how it was handled.
    """

    kind: ProblemKind
    where: str
    message: str

    def __post_init__(self) -> None:
        assert self.kind in get_args(ProblemKind), self.kind
        object.__setattr__(self, "where", printable(self.where))
        object.__setattr__(self, "message", printable(self.message))


class Photo(Protocol):
    """A photo of a data set, such as a :class:`PhotoRecord` or a :class:`RegionPhoto`."""

    @property
    def id(self) -> int | str:
        """Its id in the data set."""

    @property
    def path(self) -> Path:
        """The image file."""

    @property
    def split(self) -> str:
        """``train``, ``val`` or ``test``."""


AnyPhoto = TypeVar("AnyPhoto", bound=Photo)


@dataclass(frozen=True)
class PhotoDataset(Generic[AnyPhoto]):
    """Photos with reference captions, as read from one source.

    Attributes:
        name: a short name for logs and model cards.
        source: the file or folder that was read.
        photos: the usable photos, in the order of the source.
        problems: problems found; items that cannot be used are skipped.
        notes: remarks other than problems, such as how the splits were made.
        single_split: whether the set is too small to split, so that every split is the whole set.
        format: the format that was read, for people.
    """

    name: str
    source: Path
    photos: tuple[AnyPhoto, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    single_split: bool = False
    format: str = ""

    def split(self, name: str) -> tuple[AnyPhoto, ...]:
        """Return the photos of one split, in the order of the source.

        Args:
            name: ``train``, ``val`` or ``test``.

        Raises:
            DataError: the name is another.
        """
        check_split(name)
        if self.single_split:
            return self.photos
        return tuple(photo for photo in self.photos if photo.split == name)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user should know of how it was read, a line each: the notes, the first problems, how many more."""
        first = (f"{problem.where}: {problem.message}" for problem in self.problems[:TOLD])
        more = len(self.problems) - TOLD
        return (*self.notes, *first, *([f"… {more:,} more problems of the data set"] if more > 0 else []))


@dataclass(frozen=True)
class CaptionDataset(PhotoDataset[PhotoRecord]):
    """Photos with captions."""


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """A region of a photo with its reference phrases.

    Attributes:
        box: ``xyxy`` in pixels of the photo, within it and with an area.
        phrases: reference phrases as written, at least one.
    """

    box: Box
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class RegionPhoto:
    """A photo with described regions.

    Attributes:
        id: its id, unique in the data set.
        path: the image file.
        size: width and height in pixels of the upright photo.
        regions: regions in the order of the source, at least one.
        split: ``train``, ``val`` or ``test``.
    """

    id: int | str
    path: Path
    size: tuple[int, int]
    regions: tuple[RegionRecord, ...]
    split: str

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise DataError(f"photo {self.id!r}: {unknown('split', self.split, SPLITS)}")


@dataclass(frozen=True)
class RegionDataset(PhotoDataset[RegionPhoto]):
    """Photos with described regions."""

    def captions(self) -> CaptionDataset:
        """Return the same photos with the phrases of all their regions as captions."""
        photos = tuple(
            PhotoRecord(
                photo.id,
                photo.path,
                tuple(phrase for region in photo.regions for phrase in region.phrases),
                photo.split,
            )
            for photo in self.photos
        )
        return CaptionDataset(
            self.name,
            self.source,
            photos,
            self.problems,
            self.notes,
            single_split=self.single_split,
            format=self.format,
        )


@dataclass(frozen=True, eq=False)
class ObjectDetails:
    """What a data set says of an object beside its box, normalised to [0, 1].

    Attributes:
        outline: polygons, each the x and y of its corners in turn; empty where there are none.
        points: key points ``(K, 3)``, see :mod:`seetell.geometry.key_points`; ``K`` is 0 for objects without.
        area: its share of the photo's pixels.
    """

    outline: tuple[np.ndarray, ...] = ()
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))
    area: float = 0.0


@dataclass(frozen=True)
class ObjectPhoto:
    """A photo with the boxes of its objects.

    Attributes:
        id: its path in the data set, or its id there.
        path: the image file.
        boxes: ``xyxy`` normalised to [0, 1] over the upright photo, within it and with an area.
        classes: the name of each box's class.
        split: ``train``, ``val`` or ``test``.
        details: of each object; empty where the reader was not asked for them.
    """

    id: int | str
    path: Path
    boxes: tuple[Box, ...]
    classes: tuple[str, ...]
    split: str
    details: tuple[ObjectDetails, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class ObjectDataset(PhotoDataset[ObjectPhoto]):
    """Photos with the boxes of objects.

    Attributes:
        classes: the names of all classes, by number.
        key_points: those that objects have; without names where they have none.
    """

    classes: tuple[str, ...] = ()
    key_points: KeyPoints = field(default_factory=KeyPoints)
