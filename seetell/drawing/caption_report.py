"""A web page of many captions, to be read, filtered, edited, rejected and saved; complete in one file.

Above 5,000 photos there are further pages, ``captions-2.html`` and so on, which link to each other.
"""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from html import escape
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from seetell.atomic_write import atomic_file
from seetell.drawing.page_parts import html_text, read_asset, render_template, thumbnail
from seetell.errors import PhotoError, SeetellError
from seetell.results import Caption

THUMBNAIL = 240
"""Longest side of the photos, in pixels: a thousand of them take some 11 MB."""

JPEG_QUALITY = 60
PHOTOS_PER_PAGE = 5000
"""Photos from which on a browser takes seconds to open and filter a page."""

PHOTOS_MARK = "<!-- photos -->"


class CaptionReport:
    """Writes the pages photo by photo; a context manager that puts the complete files in place if no error occurs.

    Thumbnails are written at once, so that memory does not grow with their number.

    Args:
        path: the first page's file, in a folder that exists.

    Raises:
        SeetellError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._number = 0
        self._exit_stack = ExitStack()

    def __enter__(self) -> CaptionReport:
        self._begin_page()
        return self

    def add(self, photo: str, result: Caption | PhotoError, page: str | None = None) -> None:
        """Add a photo.

        Args:
            photo: its path as the user named it, also used in saved captions.
            result: an error is shown in place of the caption; of one that is withheld the reason, above a caption to
                write.
            page: path of the page that shows its attention, if there is one.

        Raises:
            SeetellError: the file cannot be written.
        """
        if self._photos == PHOTOS_PER_PAGE:
            self._write(self._halves(followed=True)[1])
            self._begin_page()
        self._photos += 1
        if isinstance(result, PhotoError):
            self._failed += 1
            self._write(self._failure(photo, str(result).removeprefix(f"{photo}: ")))
        else:
            self._models[result.model] = None
            self._write(self._item(photo, result, page))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._exit_stack.__exit__(kind, error, trace)
            return
        try:
            with self._exit_stack:
                self._file.write(self._halves(followed=False)[1].encode())
        except OSError as problem:
            raise self._unwritable(problem) from problem

    def _begin_page(self) -> None:
        self._number += 1
        self._photos = self._failed = 0
        self._models: dict[str, None] = {}
        try:
            self._file = self._exit_stack.enter_context(atomic_file(self._path_of(self._number)))
        except OSError as error:
            raise self._unwritable(error) from error
        self._write(self._halves(followed=False)[0])

    def _path_of(self, number: int) -> Path:
        """Return the file of a page, from 1."""
        return self.path if number == 1 else self.path.with_name(f"{self.path.stem}-{number}{self.path.suffix}")

    def _halves(self, *, followed: bool) -> tuple[str, str]:
        """Return the page before and after its photos; only the second half depends on how many there are.

        Args:
            followed: whether there is another page after it.
        """
        page = "" if self._number == 1 else f"-{self._number}"
        counted = f"{self._photos:,} photo{'' if self._photos == 1 else 's'}"
        failed = f", {self._failed:,} of them failed" if self._failed else ""
        models = f" · model {', '.join(self._models)}" if self._models else ""
        before, _, after = render_template(
            "caption_report.html",
            "caption_report.css",
            title="Captions" if self._number == 1 else f"Captions, page {self._number:,}",
            saved=f"captions{page}",
            pages=self._links(followed),
            photos=PHOTOS_MARK,
            about=html_text(f"{counted}{failed}{models}"),
            script=read_asset("caption_report.js"),
        ).partition(PHOTOS_MARK)
        return before, after

    def _links(self, followed: bool) -> str:
        """Return links to the pages before and after the one being written."""
        beside = {"Previous page": self._number - 1, "Next page": self._number + 1 if followed else 0}
        links = [
            f'<a href="{self._address(os.fspath(self._path_of(number)))}">{name}</a>'
            for name, number in beside.items()
            if number
        ]
        return f'<nav class="pages" aria-label="Pages">{" ".join(links)}</nav>' if links else ""

    def _item(self, photo: str, caption: Caption, page: str | None) -> str:
        fields = {"image": photo, "model": caption.model}
        if math.isfinite(caption.logprob):
            fields |= {"logprob": f"{caption.logprob:.6f}", "rank": f"{caption.mean_logprob:.4f}"}
        if caption.confidence is not None:
            fields["confidence"] = fields["rank"] = f"{caption.confidence:.4f}"
        if caption.reason:
            fields["reason"] = caption.reason
        small = thumbnail(photo, side=THUMBNAIL, quality=JPEG_QUALITY, lazy=True)
        words = "" if page is None else f'<p><a class="faint" href="{self._address(page)}">attention per word</a></p>'
        if caption.reason:
            words = f"<p><strong>Withheld:</strong> {html_text(caption.reason)}</p>"
        return (
            f'<li{_data(fields)}><a class="picture" href="{self._address(photo)}">{small}{_name(photo)}</a>'
            f'<textarea aria-label="Caption of {_attribute(photo)}" rows="3" dir="auto" readonly>'
            f"{html_text(caption.text)}</textarea>{words}</li>\n"
        )

    def _failure(self, photo: str, error: str) -> str:
        return (
            f'<li{_data({"image": photo, "error": error})}><span class="none faint">no photo</span>{_name(photo)}'
            f"<p><strong>Failed:</strong> {html_text(error)}</p></li>\n"
        )

    def _address(self, file: str) -> str:
        """Return a file's address relative to the report, so that both may be moved together."""
        try:
            place = os.path.relpath(file, self.path.resolve().parent)
        except ValueError:  # on another drive of Windows
            return escape(Path(os.path.abspath(file)).as_uri())
        return quote(os.fsencode(place.replace(os.sep, "/")))

    def _write(self, text: str) -> None:
        try:
            self._file.write(text.encode())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> SeetellError:
        return SeetellError(f"{self._path_of(self._number)}: the report cannot be written ({error.strerror})")


def _name(photo: str) -> str:
    return f'<span class="name faint" dir="auto">{html_text(_shown(photo))}</span>'


def _data(fields: dict[str, str]) -> str:
    return "".join(f' data-{name}="{_attribute(value)}"' for name, value in fields.items())


def _attribute(text: str) -> str:
    """Return text as an attribute's value, from which a browser reads it unchanged."""
    return escape(_shown(text)).replace("\r", "&#13;").replace("\n", "&#10;")


def _shown(text: str) -> str:
    """Escape what UTF-8 does not hold, bytes of a file name that are no letters, as JSON lines do."""
    return text.encode(errors="backslashreplace").decode()
