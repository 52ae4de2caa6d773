"""A folder of captions' attention: a page and a picture per photo, and an index of them."""

from __future__ import annotations

import io
import os
import tempfile
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from seetell.atomic_write import atomic_file
from seetell.drawing.attention import attention_page, attention_picture
from seetell.drawing.page_parts import GENERATOR, PHOTO_SIDE, html_text, render_template
from seetell.errors import SeetellError, UsageError
from seetell.geometry.boxes import Box
from seetell.photos.opening import open_photo
from seetell.results import Caption

SUFFIX = "-attention"
"""Of the name of every page and picture, so that none replaces a photo."""

INDEX = "index.html"
MAX_NAME = 120
JPEG_QUALITY = 88
"""Of the pictures, with colours at full resolution: a fifth of a PNG's size, without a visible difference."""


class AttentionFolder:
    """Pages and pictures of captions; a context manager that writes an index at the end if there are several.

    Args:
        path: the folder; created if absent.
        visible_box: returns the part that the model sees of a photo of a width and height, in its pixels.

    Raises:
        UsageError: it cannot be written to, or has an index that seetell did not write.
    """

    def __init__(self, path: str | Path, *, visible_box: Callable[[tuple[int, int]], Box]) -> None:
        self.path = Path(path)
        self._visible_box = visible_box
        self._entries: list[_Entry] = []
        self._taken: set[str] = set()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.path).close()
            index = (self.path / INDEX).read_text("utf-8", "replace") if (self.path / INDEX).exists() else GENERATOR
        except OSError as error:
            raise UsageError(
                f"{path}: pages cannot be written there ({error.strerror}); name another folder"
            ) from error
        if GENERATOR not in index:
            raise UsageError(
                f"{path}: has an {INDEX} that seetell did not write, and would replace; name another folder"
            )

    def add(self, photo: str, caption: Caption) -> Path:
        """Write the page and the picture of a photo, replacing those of the same name from an earlier run.

        Args:
            photo: its path.
            caption: its words have attention.

        Returns:
            The path of the page.

        Raises:
            PhotoError: the photo can no longer be opened.
            SeetellError: a file cannot be written.
        """
        opened = open_photo(photo, at_least=(PHOTO_SIDE, PHOTO_SIDE))
        visible_box = self._visible_box(opened.size)
        shown, file_name = _printable(os.path.basename(photo)), self._free_name(photo)
        picture, file = attention_picture(opened, caption, visible_box=visible_box), io.BytesIO()
        picture.save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        entry = _Entry(shown, caption.text, f"{file_name}.html", f"{file_name}.jpg", picture.size)
        self._write(entry.picture, file.getvalue())
        self._write(entry.page, attention_page(opened, caption, visible_box=visible_box, name=shown).encode())
        self._entries.append(entry)
        return self.path / entry.page

    def __enter__(self) -> AttentionFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if len(self._entries) > 1 and not isinstance(error, SeetellError):
            self._write(INDEX, _index(self._entries).encode())

    def _free_name(self, photo: str) -> str:
        """Return a file name for a photo, without extension, that is unique in this run."""
        base = _safe(os.path.splitext(os.path.basename(photo))[0])
        name, number = f"{base}{SUFFIX}", 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{base}-{number}{SUFFIX}"
        self._taken.add(name.casefold())
        return name

    def _write(self, name: str, content: bytes) -> None:
        try:
            with atomic_file(self.path / name) as file:
                file.write(content)
        except OSError as error:
            raise SeetellError(
                f"{self.path / name}: cannot be written ({error.strerror}); the photos before it have their pages"
            ) from error


@dataclass(frozen=True)
class _Entry:
    """A photo on the index page.

    Attributes:
        name: the photo's, to be shown.
        caption: its caption.
        page: file name of its page, in the same folder.
        picture: file name of its picture.
        size: width and height of the picture.
    """

    name: str
    caption: str
    page: str
    picture: str
    size: tuple[int, int]

    def html(self) -> str:
        width, height = self.size
        return (
            f'<li><a href="{quote(self.page)}">{html_text(self.caption)} <span class="faint">{html_text(self.name)}'
            f'</span><img src="{quote(self.picture)}" width="{width}" height="{height}" loading="lazy" alt=""></a></li>'
        )


def _index(entries: Sequence[_Entry]) -> str:
    """Return the page that links to those of the photos."""
    photos = "\n".join(entry.html() for entry in entries)
    count = f"{len(entries):,}"
    title = f"Attention per word: {count} photos"
    return render_template("attention_index.html", "page.css", title=title, policy="", count=count, photos=photos)


def is_picture_of(folder: str | Path, path: str) -> bool:
    """Return whether a path is of a picture that an earlier run wrote to a folder, and not of a photo to caption."""
    parent, name = os.path.split(path)
    return name.endswith(f"{SUFFIX}.jpg") and os.path.realpath(parent) == os.path.realpath(folder)


def _safe(name: str) -> str:
    """Keep letters, digits and a few signs of a photo's name, which are valid in any file system and URL."""
    kept = "".join(
        sign if sign in " -_.()" or unicodedata.category(sign)[0] in "LMN" else "_"
        for sign in unicodedata.normalize("NFC", name)
    )
    return kept.encode()[:MAX_NAME].decode(errors="ignore").strip(" .") or "photo"


def _printable(name: str) -> str:
    """Escape bytes of a file name that are not UTF-8."""
    return name.encode(errors="backslashreplace").decode()
