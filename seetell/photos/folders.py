"""Find the photos in a folder and below it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from seetell.photos.opening import SUFFIXES


def is_photo_name(path: str) -> bool:
    """Whether a file's name ends as those of photos do."""
    return os.path.splitext(path)[1].lower() in SUFFIXES


def photo_folders(folder: str, unreadable: Callable[[str], None]) -> Iterator[tuple[str, list[str]]]:
    """Walk a folder and those below it, except hidden ones and those that are symbolic links.

    Args:
        folder: where to begin.
        unreadable: told of each folder that cannot be listed.

    Yields:
        Each folder's path and the names of its photos, hidden ones left out; all sorted.
    """
    for path, subfolders, names in os.walk(folder, onerror=lambda error: unreadable(error.filename)):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield path, sorted(name for name in names if is_photo_name(name) and not name.startswith("."))
