"""Open every photo of a data set once, to find photos that do not open and duplicates."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seetell.data.records import CaptionDataset, Photo, PhotoDataset, Problem
from seetell.errors import PhotoError
from seetell.photos import open_photo

_MOST_THREADS = 8


@dataclass(frozen=True)
class PhotoCheck:
    """The result of opening the photos.

    Attributes:
        sizes: ``(width, height)`` in pixels of each upright photo that opens, by id.
        unreadable: ids of the photos that do not open.
        problems: an ``unreadable-photo`` for each of those, and a ``duplicate-content`` for each photo whose file
            has the same bytes as an earlier one.
    """

    sizes: Mapping[int | str, tuple[int, int]]
    unreadable: frozenset[int | str]
    problems: tuple[Problem, ...]


def check_photos(
    dataset: PhotoDataset[Any], *, threads: int | None = None, progress: Callable[[int, int], None] | None = None
) -> PhotoCheck:
    """Decode every photo in full and compare the files' contents.

    Args:
        dataset: the data set.
        threads: photos decoded at a time; by default one per processor, at most 8.
        progress: called with the number of photos done and their total after each photo.
    """
    photos = dataset.photos
    sizes: dict[int | str, tuple[int, int]] = {}
    problems: list[Problem] = []
    executor = ThreadPoolExecutor(threads or min(os.cpu_count() or 1, _MOST_THREADS))
    try:
        for done, (photo, opened) in enumerate(zip(photos, executor.map(_size_or_error, photos), strict=True), 1):
            if isinstance(opened, str):
                problems.append(Problem("unreadable-photo", str(photo.path), opened))
            else:
                sizes[photo.id] = opened
            if progress is not None:
                progress(done, len(photos))
    finally:
        executor.shutdown(cancel_futures=True)
    unreadable = frozenset(photo.id for photo in photos if photo.id not in sizes)
    files: dict[Path, Photo] = {}  # regions of one photo share its file
    for photo in photos:
        if photo.id in sizes:
            files.setdefault(photo.path, photo)
    problems += _same_contents(list(files.values()))
    return PhotoCheck(sizes, unreadable, tuple(problems))


def drop_unreadable(dataset: CaptionDataset, checked: PhotoCheck) -> CaptionDataset:
    """Return the data set without the photos that do not open, and with the problems of the check."""
    photos = tuple(photo for photo in dataset.photos if photo.id not in checked.unreadable)
    return replace(dataset, photos=photos, problems=dataset.problems + checked.problems)


def _size_or_error(photo: Photo) -> tuple[int, int] | str:
    try:
        return open_photo(photo.path).size
    except PhotoError as error:
        return str(error)


def _same_contents(photos: Sequence[Photo]) -> list[Problem]:
    """List the photos whose file duplicates an earlier one; only files of the same length are read."""
    by_length: dict[int, list[Photo]] = defaultdict(list)
    for photo in photos:
        try:
            by_length[photo.path.stat().st_size].append(photo)
        except OSError:  # deleted since it was opened
            continue
    first: dict[bytes, Photo] = {}
    repeats: dict[int | str, Photo] = {}
    for alike in by_length.values():
        for photo in alike if len(alike) > 1 else ():
            digest = _digest(photo.path)
            if digest is not None and first.setdefault(digest, photo) is not photo:
                repeats[photo.id] = first[digest]
    return [
        Problem("duplicate-content", str(photo.path), _same_as(photo, repeats[photo.id]))
        for photo in photos
        if photo.id in repeats
    ]


def _digest(path: Path) -> bytes | None:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return None


def _same_as(photo: Photo, earlier: Photo) -> str:
    message = f"{photo.path.name}: has the same bytes as {earlier.path.name}"
    if photo.split != earlier.split:
        return f"{message}, one in {photo.split} and one in {earlier.split}: scores will be too good; both kept"
    return f"{message}; both kept"
