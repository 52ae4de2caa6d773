"""A folder that shows for many photos where each word came from: a page and a picture a photo, and an index."""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from seetell.atomic_write import whole_file
from seetell.drawing.heat_map import Box
from seetell.drawing.page import PHOTO_SIDE, Entry, index, page
from seetell.drawing.templates import GENERATOR
from seetell.drawing.tiles import word_tiles
from seetell.errors import SeetellError, UsageError
from seetell.photos.opening import open_photo
from seetell.results import Caption

ENDING = "-attention"
"""Of the name of every page and picture, so that none takes the place of a photo."""

INDEX = "index.html"
LONGEST_NAME = 120
JPEG_QUALITY = 88
"""Of the pictures, with colours at full resolution: a fifth of a PNG's size, and the same to the eye."""


class AttentionFolder:
    """Pages and pictures of captions; as a context it writes the index, if there is more than one, when it ends.

    Args:
        path: the folder; made if it is not there.
        covered: tells from a photo's width and height which box of it the model saw.

    Raises:
        UsageError: nothing can be written there, or it has an index that is none of ours.
    """

    def __init__(self, path: str | Path, *, covered: Callable[[tuple[int, int]], Box]) -> None:
        self.path = Path(path)
        self._covered = covered
        self._entries: list[Entry] = []
        self._taken: set[str] = set()
        trial = self.path / f".trial-{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            trial.touch()
            trial.unlink()
            there = (self.path / INDEX).read_text("utf-8", "replace") if (self.path / INDEX).exists() else GENERATOR
        except OSError as error:
            raise UsageError(
                f"{path}: pages cannot be written there ({error.strerror}); name another folder"
            ) from error
        if GENERATOR not in there:
            raise UsageError(
                f"{path}: has an {INDEX} that seetell did not write, and would replace; name another folder"
            )

    def add(self, photo: str, caption: Caption) -> Path:
        """Write the page and the picture of a photo, in place of those of the same name from an earlier run.

        Args:
            photo: its path.
            caption: its words carry their attention.

        Returns:
            The page.

        Raises:
            PhotoError: the photo can no longer be opened.
            SeetellError: a file cannot be written.
        """
        opened = open_photo(photo, at_least=(PHOTO_SIDE, PHOTO_SIDE))
        covered = self._covered(opened.size)
        shown, file_name = _printable(os.path.basename(photo)), self._free_name(photo)
        tiles, picture = word_tiles(opened, caption, covered=covered), io.BytesIO()
        tiles.save(picture, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        entry = Entry(shown, caption.text, f"{file_name}.html", f"{file_name}.jpg", tiles.size)
        self._write(entry.picture, picture.getvalue())
        self._write(entry.page, page(opened, caption, covered=covered, name=shown).encode())
        self._entries.append(entry)
        return self.path / entry.page

    def __enter__(self) -> AttentionFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self._entries) > 1 and not isinstance(error, SeetellError):
            self._write(INDEX, index(self._entries).encode())

    def _free_name(self, photo: str) -> str:
        """Return a file name for a photo, without its ending, that none of its run has."""
        base = _safe(os.path.splitext(os.path.basename(photo))[0])
        name, number = f"{base}{ENDING}", 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{base}-{number}{ENDING}"
        self._taken.add(name.casefold())
        return name

    def _write(self, name: str, content: bytes) -> None:
        try:
            with whole_file(self.path / name) as file:
                file.write(content)
        except OSError as error:
            raise SeetellError(
                f"{self.path / name}: cannot be written ({error.strerror}); the photos before it have their pages"
            ) from error


def is_picture_of(folder: str | Path, path: str) -> bool:
    """Whether a path is that of a picture which an earlier run wrote to a folder, and no photo to caption."""
    parent, name = os.path.split(path)
    return name.endswith(f"{ENDING}.jpg") and os.path.realpath(parent) == os.path.realpath(folder)


def _safe(name: str) -> str:
    """Keep letters, digits and a few signs of a photo's name, which any file system and address takes."""
    kept = "".join(
        sign if sign in " -_.()" or unicodedata.category(sign)[0] in "LMN" else "_"
        for sign in unicodedata.normalize("NFC", name)
    )
    return kept.encode()[:LONGEST_NAME].decode(errors="ignore").strip(" .") or "photo"


def _printable(name: str) -> str:
    """Escape what UTF-8 does not hold: bytes of a file name that are no letters."""
    return name.encode(errors="backslashreplace").decode()
