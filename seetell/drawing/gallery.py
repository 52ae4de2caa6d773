"""A web page of search results, complete in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from seetell.drawing.page_parts import html_text, render_template, thumbnail

THUMBNAIL = 320
"""Longest side of the photos, in pixels: twenty of them take some 300 kB."""

JPEG_QUALITY = 70


@dataclass(frozen=True)
class Found:
    """A photo on the page.

    Attributes:
        path: the file; if it cannot be opened, its name is shown alone.
        score: of the search.
    """

    path: str
    score: float


def gallery(title: str, about: str, found: Sequence[Found], *, query_photo: str | None = None) -> str:
    """Return the page.

    Args:
        title: the query.
        about: a sentence below it.
        found: best match first.
        query_photo: path of the photo that was the query.

    Returns:
        HTML with thumbnails of the photos, each a link to the file itself, which works where the file is.
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


def _item(photo: Found) -> str:
    name = html_text(os.path.basename(photo.path))
    small = thumbnail(photo.path, side=THUMBNAIL, quality=JPEG_QUALITY)
    return (
        f'<li><a href="{escape(Path(os.path.abspath(photo.path)).as_uri())}">{small}'
        f'<p dir="auto">{name}</p></a><p class="faint"><span class="score">{photo.score:.3f}</span> · '
        f"{html_text(os.path.dirname(photo.path))}</p></li>"
    )
