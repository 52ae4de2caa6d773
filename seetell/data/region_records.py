"""The records of region captions: photos with boxes, and phrases for each box."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seetell.data.records import SPLITS, CaptionDataset, PhotoDataset, PhotoRecord
from seetell.errors import DataError, unknown
from seetell.geometry.boxes import Box


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
