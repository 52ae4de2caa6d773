"""A small copy of a photo that a page contains."""

from __future__ import annotations

import os
from html import escape

from PIL import Image

from seetell.drawing.templates import data_address
from seetell.errors import PhotoError
from seetell.photos.opening import open_photo


def thumbnail(
    path: str | os.PathLike[str], *, side: int, quality: int, description: str = "", late: bool = False
) -> str:
    """Return the small copy as an ``img`` element, or a few words where the photo does not open.

    Args:
        path: the photo.
        side: the longest of the copy, in pixels.
        quality: of its JPEG.
        description: what stands in its place for those who cannot see it; nothing where the text beside it tells.
        late: put the copy into ``data-src``, for a script to show it when it comes into sight.
    """
    try:
        photo = open_photo(path, at_least=(side, side))
        photo.thumbnail((side, side), Image.Resampling.BICUBIC)
    except (PhotoError, MemoryError):
        return '<span class="none faint">no photo</span>'
    address = data_address(photo, "JPEG", quality=quality, optimize=True)
    size = f'width="{photo.width}" height="{photo.height}"'
    return f'<img {"data-src" if late else "src"}="{address}" {size} alt="{escape(description)}">'
