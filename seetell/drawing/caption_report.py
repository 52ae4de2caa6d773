"""A web page of many photos and their captions, to be read, filtered, edited and saved; complete in one file."""

from __future__ import annotations

import math
import os
from contextlib import ExitStack
from html import escape
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from seetell.atomic_write import whole_file
from seetell.drawing.templates import beside, filled, html_text
from seetell.drawing.thumbnail import thumbnail
from seetell.errors import PhotoError, SeetellError
from seetell.results import Caption

THUMBNAIL = 240
"""Longest side of the photos, in pixels: a thousand of them make some 11 MB."""

JPEG_QUALITY = 60
SEAM = "<!-- photos -->"


class CaptionReport:
    """Writes the page photo by photo; as a context it puts the file in its place, whole, when it ends without an error.

    The photos' pictures go to the file at once, so that memory does not grow with them.

    Args:
        path: the file, in a folder that is there.

    Raises:
        SeetellError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._photos = self._failed = 0
        self._models: dict[str, None] = {}
        self._opened = ExitStack()

    def __enter__(self) -> CaptionReport:
        try:
            self._file = self._opened.enter_context(whole_file(self.path))
        except OSError as error:
            raise self._unwritable(error) from error
        self._write(self._halves()[0])
        return self

    def add(self, photo: str, result: Caption | PhotoError, page: str | None = None) -> None:
        """Add a photo.

        Args:
            photo: its path as the user named it, by which saved captions name it too.
            result: what came of it; an error is shown in the caption's place.
            page: path of the page that shows where its words came from, if there is one.

        Raises:
            SeetellError: the file cannot be written.
        """
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
            self._opened.__exit__(kind, error, trace)
            return
        try:
            with self._opened:
                self._file.write(self._halves()[1].encode())
        except OSError as problem:
            raise self._unwritable(problem) from problem

    def _halves(self) -> tuple[str, str]:
        """Return what stands before the photos and what after them, which alone tells how many there are."""
        counted = f"{self._photos:,} photo{'' if self._photos == 1 else 's'}"
        failed = f", {self._failed:,} of them failed" if self._failed else ""
        models = f" · model {', '.join(self._models)}" if self._models else ""
        before, _, after = filled(
            "caption_report.html",
            "caption_report.css",
            title="Captions",
            photos=SEAM,
            about=html_text(f"{counted}{failed}{models}"),
            script=beside("caption_report.js"),
        ).partition(SEAM)
        return before, after

    def _item(self, photo: str, caption: Caption, page: str | None) -> str:
        fields = {"image": photo, "model": caption.model}
        if math.isfinite(caption.logprob):
            sureness = caption.logprob / (len(caption.words) + 1)
            fields |= {"logprob": f"{caption.logprob:.6f}", "sureness": f"{sureness:.4f}"}
        small = thumbnail(photo, side=THUMBNAIL, quality=JPEG_QUALITY, late=True)
        words = (
            ""
            if page is None
            else f'<p><a class="faint" href="{self._address(page)}">where each word came from</a></p>'
        )
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
        """Return where a file lies as seen from the report, so that both may be moved together."""
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
        return SeetellError(f"{self.path}: the report cannot be written ({error.strerror})")


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
