"""A web page of the photos that a search found, complete in one file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from seetell.drawing.templates import filled, html_text
from seetell.drawing.thumbnail import thumbnail

THUMBNAIL = 320
"""Longest side of the photos, in pixels: twenty of them make some 300 kB."""

JPEG_QUALITY = 70


@dataclass(frozen=True)
class Found:
    """A photo on the page.

    Attributes:
        path: the file; where it does not open, its name stands alone.
        score: how well it fits.
    """

    path: str
    score: float


def gallery(title: str, about: str, found: Sequence[Found], *, sought: str | None = None) -> str:
    """Write the page.

    Args:
        title: what was looked for.
        about: a sentence below it.
        found: the best first.
        sought: path of the photo that was looked for.

    Returns:
        HTML with small copies of the photos, each a link to the file itself, which works where the file is.
    """
    return filled(
        "gallery.html",
        "gallery.css",
        title=html_text(title),
        about=html_text(about),
        sought=""
        if sought is None
        else thumbnail(sought, side=THUMBNAIL, quality=JPEG_QUALITY, description="the photo that was looked for"),
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
