"""Find the files of photos by their names in a data set, from folder listings rather than one call per photo."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from seetell.photos.formats import is_photo_name

_USUAL_NAMES = (
    "images",
    "photos",
    "pictures",
    "imgs",
    "img",
    "flicker8k_dataset",
    "flickr8k_dataset",
    "flickr30k_images",
)
_TEXT_NAMES = frozenset({"annotations", "captions", "text", "flickr8k_text", "flickr30k_text", "metadata", "labels"})


def near_folders(folder: Path, photos: Path | None) -> list[Path]:
    """List the folders that may contain the photos, the most likely first.

    Args:
        folder: the folder of the data.
        photos: folder of the photos given by the user; then only it and its subfolders are searched.

    Returns:
        ``folder`` (or ``photos``), its subfolders, and, if its name is ``annotations`` or similar, its sibling folders.
        Folders with common names such as ``images`` come first, the others are sorted by name.
    """
    if photos is not None:
        return [photos, *_subfolders(photos)]
    beside = _subfolders(folder.resolve().parent) if folder.resolve().name.lower() in _TEXT_NAMES else []
    return [folder, *_subfolders(folder), *(other for other in beside if other != folder.resolve())]


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError:
        return []
    usual = {name: rank for rank, name in enumerate(_USUAL_NAMES)}
    return sorted(found, key=lambda path: (usual.get(path.name.lower(), len(usual)), path.name))


class PhotoFolders:
    """The files in some folders, each listed once and on demand.

    A name that is not found as written is searched for in another case, another Unicode form (NFC or NFD) or with
    backslashes for slashes: tables and photos from different systems differ in these.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        """Search ``folders``, in this order."""
        self.folders = tuple(folders)
        self._listings: dict[Path, dict[str, str]] = {}

    def find(self, name: str) -> Path | None:
        """Return the file called ``name``, a relative or absolute path, or ``None``."""
        if "\0" in name:
            return None
        return self._find(name) or (self._find(name.replace("\\", "/")) if "\\" in name else None)

    def names(self, folder: Path) -> list[str]:
        """Return the names of the photo files in ``folder``, sorted."""
        names = {name for name in self._listing(folder).values() if is_photo_name(name)}
        return sorted(names)

    def _find(self, name: str) -> Path | None:
        wanted = PurePosixPath(name)
        if not wanted.name:
            return None
        for folder in (Path(),) if Path(name).is_absolute() else self.folders:
            parent = folder / wanted.parent
            listing = self._listing(parent)
            found = listing.get(wanted.name) or listing.get(_folded(wanted.name))
            if found is not None:
                return parent / found
        return None

    def _listing(self, folder: Path) -> dict[str, str]:
        """Map each file's name, as written and case-folded, to its name as written."""
        listing = self._listings.get(folder)
        if listing is None:
            listing = {}
            try:
                with os.scandir(folder) as entries:
                    names = sorted(entry.name for entry in entries if entry.is_file())
            except (OSError, ValueError):
                names = []
            for name in names:
                listing.setdefault(_folded(name), name)
            listing.update({name: name for name in names})
            self._listings[folder] = listing
        return listing


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
