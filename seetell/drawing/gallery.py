"""A web page of search results, complete in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from seetell.drawing.page_parts import NO_PHOTO, html_text, render_template, thumbnail
from seetell.errors import UsageError, VideoError
from seetell.video.frames import frame_at
from seetell.video.times import clock

THUMBNAIL = 320
"""Longest side of the photos, in pixels: twenty of them take some 300 kB."""

JPEG_QUALITY = 70


@dataclass(frozen=True)
class Found:
    """A photo on the page.

    Attributes:
        path: the file; if it cannot be opened, its name is shown alone.
        score: of the search.
        seconds: of the frame that was found, where it is a film.
    """

    path: str
    score: float
    seconds: float | None = None


def gallery(title: str, about: str, found: Sequence[Found], *, query_photo: str | None = None) -> str:
    """Return the page.

    Args:
        title: the query.
        about: a sentence below it.
        found: best match first.
        query_photo: path of the photo that was the query.

    Returns:
        HTML with thumbnails of the photos, and of frames of films, each a link to the file itself, which works where
        the file is.
    """
    return render_template(
        "gallery.html",
        "gallery.css",
        title=html_text(title),
        about=html_text(about),
        query_photo=""
        if query_photo is None
        else thumbnail(query_photo, side=THUMBNAIL, quality=JPEG_QUALITY, description="the photo that was the query"),
        hits="\n".join(_item(photo) for photo in found),
    )


def _item(found: Found) -> str:
    name, address = html_text(os.path.basename(found.path)), Path(os.path.abspath(found.path)).as_uri()
    if found.seconds is None:
        small = thumbnail(found.path, side=THUMBNAIL, quality=JPEG_QUALITY)
    else:
        small = _frame(found.path, found.seconds)
        name, address = f"{name} {clock(found.seconds)}", f"{address}#t={found.seconds:.2f}"
    return (
        f'<li><a href="{escape(address)}">{small}'
        f'<p dir="auto">{name}</p></a><p class="faint"><span class="score">{found.score:.3f}</span> · '
        f"{html_text(os.path.dirname(found.path))}</p></li>"
    )


def _frame(path: str, seconds: float) -> str:
    """Return a thumbnail of a frame of a film."""
    try:
        frame = frame_at(path, seconds)
    except (VideoError, UsageError):
        return NO_PHOTO
    return thumbnail(frame, side=THUMBNAIL, quality=JPEG_QUALITY)
