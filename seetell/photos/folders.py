"""Find the photos in a folder and below it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from seetell.photos.opening import SUFFIXES


def is_photo_name(path: str) -> bool:
    """Return whether a file's name has the ending of a photo format."""
    return os.path.splitext(path)[1].lower() in SUFFIXES


def photo_folders(folder: str, unreadable: Callable[[str], None]) -> Iterator[tuple[str, list[str]]]:
    """Walk a folder and its subfolders, except hidden ones and symbolic links.

    Args:
        folder: where to begin.
        unreadable: called with each folder that cannot be listed.

    Yields:
        Each folder's path and the sorted names of its photos, without hidden ones.
    """
    for path, subfolders, names in os.walk(folder, onerror=lambda error: unreadable(error.filename)):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield path, sorted(name for name in names if is_photo_name(name) and not name.startswith("."))
