"""Find the photos in a folder and below it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from seetell.photos.formats import is_photo_name

TEXT = ".txt"
"""Ending of the captions beside photos in training sets: ``dog.txt`` or ``dog.jpg.txt``."""


def photo_folders(
    folder: str,
    unreadable: Callable[[str], None],
    skipped: Callable[[str], None] = lambda name: None,
    *,
    wanted: Callable[[str], bool] = is_photo_name,
) -> Iterator[tuple[str, list[str]]]:
    """Walk a folder and its subfolders, except hidden ones and symbolic links to folders.

    Args:
        folder: where to begin; itself it may be a symbolic link.
        unreadable: called with each folder that cannot be listed.
        skipped: called with the name of each file that is not hidden, has no photo's name and is no text beside a
            photo, and with that of each symbolic link to a folder, which ends in a slash.
        wanted: whether a name is a photo's, or what else is looked for.

    Yields:
        Each folder's path and the sorted names of its photos, without hidden ones.
    """
    for path, subfolders, names in os.walk(folder, onerror=lambda error: unreadable(error.filename)):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in subfolders:
            if os.path.islink(os.path.join(path, name)):
                skipped(name + "/")
        shown = sorted(name for name in names if not name.startswith("."))
        photos = [name for name in shown if wanted(name)]
        described = {*photos, *(os.path.splitext(name)[0] for name in photos)}
        for name in sorted({*shown}.difference(photos)):
            if not (name.endswith(TEXT) and name.removesuffix(TEXT) in described):
                skipped(name)
        yield path, photos
