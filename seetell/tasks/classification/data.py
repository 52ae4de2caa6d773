"""Labelled images as a folder per class, with or without folders of splits around them.

``birds/robin/1.jpg`` is a robin. ``birds/train/robin/1.jpg`` is one to train on; without folders called ``train``,
``val`` or the like, images are divided by a hash of their paths. Image folders of torchvision and Keras are such.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seetell.data.records import PhotoDataset, PhotoRecord, Problem
from seetell.data.splits import FEWEST_TO_DIVIDE, assign_splits, split_named
from seetell.errors import DataError, unknown
from seetell.geometry.boxes import Box
from seetell.photos.folders import photo_folders
from seetell.photos.formats import is_photo_name

FORMAT = "class-folders"

LEAST_IOU = 0.5
"""Least intersection over union of a box that counts as right, ILSVRC's."""


@dataclass(frozen=True)
class LabelledDataset(PhotoDataset[PhotoRecord]):
    """Images with one label each, which stands where other data sets have captions.

    Attributes:
        labels: all of them, in alphabetical order.
        boxes: of the object that has the label, by the image's id, ``xyxy`` normalised to [0, 1] over the upright
            image; none where only labels are known.
    """

    labels: tuple[str, ...] = ()
    boxes: Mapping[int | str, Box] = field(default_factory=dict)


def label_of(photo: PhotoRecord) -> str:
    """Return the label of an image of a :class:`LabelledDataset`."""
    (label,) = photo.captions
    return label


def read_class_folders(folder: str | Path, *, format: str | None = None, split_seed: int = 0) -> LabelledDataset:
    """Read a folder of folders.

    Args:
        folder: holds a folder per class, or folders of splits that do. Images may lie deeper.
        format: ``class-folders``, or nothing.
        split_seed: another seed divides images without splits differently.

    Raises:
        DataError: there is no such folder, or fewer than two classes with images in it.
    """
    source = Path(folder)
    if format not in (None, FORMAT):
        raise DataError(f"{source}: {unknown('format', format, [FORMAT])}")
    if not source.is_dir():
        raise DataError(f"{source}: expected a folder with a folder of images per class")
    problems: list[Problem] = []
    splits = {name: split for name in _folders(source) if (split := split_named(name)) is not None}
    stated = len(splits) > 0 and len(splits) == len(_folders(source))
    photos: list[PhotoRecord] = []
    for root, split in [(source / name, split) for name, split in splits.items()] if stated else [(source, "train")]:
        loose = sorted(entry.name for entry in os.scandir(root) if entry.is_file() and is_photo_name(entry.name))
        problems += [
            Problem("photo-without-caption", str((root / name).relative_to(source)), "is in no folder of a class")
            for name in loose
        ]
        for label in _folders(root):
            found = _photos(root / label, problems)
            photos += [PhotoRecord(path.relative_to(source).as_posix(), path, (label,), split) for path in found]
            if not found:
                problems.append(Problem("malformed", str((root / label).relative_to(source)), "holds no images"))
    labels = tuple(sorted({label_of(photo) for photo in photos}))
    if len(labels) < 2:
        raise DataError(
            f"{source}: expected a folder of images for each of two or more classes, found "
            + (f"images of {labels[0]!r} alone" if labels else "no images in folders")
        )
    notes = []
    if not stated:
        photos = _divided(photos, split_seed)
        notes.append("no folders called train, val and test: images were divided into splits 8 : 1 : 1")
    single = not stated and len(photos) < FEWEST_TO_DIVIDE
    return LabelledDataset(
        source.name, source, tuple(photos), tuple(problems), tuple(notes), single, "a folder per class", labels
    )


def _folders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))


def _photos(folder: Path, problems: list[Problem]) -> list[Path]:
    """Return the images in a folder and below it."""

    def unreadable(path: str) -> None:
        problems.append(Problem("malformed", path, "cannot be listed"))

    return [Path(path, name) for path, names in photo_folders(str(folder), unreadable) for name in names]


def _divided(photos: Sequence[PhotoRecord], seed: int) -> list[PhotoRecord]:
    splits = assign_splits([photo.id for photo in photos], seed=seed)
    return [
        PhotoRecord(photo.id, photo.path, photo.captions, split) for photo, split in zip(photos, splits, strict=True)
    ]
