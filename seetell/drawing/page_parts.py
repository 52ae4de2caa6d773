"""What all pages share: HTML templates and assets in this folder, embedded images, numbers and places in words."""

from __future__ import annotations

import base64
import io
import math
import unicodedata
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

from seetell.errors import PhotoError
from seetell.photos.opening import PhotoSource, open_photo

GENERATOR = '<meta name="generator" content="seetell">'
"""Marks a page as written by seetell."""

SELF_CONTAINED = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy of a page that loads no other file."""

PHOTO_SIDE = 1200
"""Longest side of the photo on a page of one photo, in pixels."""

NO_PHOTO = '<span class="none faint">no photo</span>'
"""Stands where a photo cannot be shown."""

PLACES = (("upper left", "top", "upper right"), ("left", "centre", "right"), ("lower left", "bottom", "lower right"))


def render_template(template: str, *styles: str, title: str, policy: str = SELF_CONTAINED, **parts: str) -> str:
    """Render a page.

    Args:
        template: file name of its body.
        styles: file names of the style sheets that it needs besides the common one.
        title: HTML of the document's title, a placeholder of the body, too.
        policy: what browsers let the page load, scripts of its own aside; empty for no limit.
        parts: HTML for each other placeholder of the body, ``script`` among them where the page has one.
    """
    script = "; script-src 'unsafe-inline'" if "script" in parts else ""
    limit = f'\n<meta http-equiv="Content-Security-Policy" content="{policy}{script}">' if policy else ""
    return Template(read_asset("document.html")).substitute(
        metadata=GENERATOR + limit,
        title=title,
        style="\n".join(map(read_asset, ("base.css", *styles))),
        body=Template(read_asset(template)).substitute(parts, title=title),
    )


def read_asset(name: str) -> str:
    """Return the text of a file in this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8").strip()


def photo_parts(photo: Image.Image) -> dict[str, str]:
    """Return the parts of a template that show a photo: a data URI of it, at most 1,200 pixels a side, and its size."""
    shown = photo.copy()
    shown.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.BICUBIC)
    return {
        "photo": data_uri(shown, "JPEG", quality=85, optimize=True),
        "width": str(shown.width),
        "height": str(shown.height),
        "proportion": f"{shown.width / shown.height:.3f}",
    }


def thumbnail(source: PhotoSource, *, side: int, quality: int, description: str = "", lazy: bool = False) -> str:
    """Return a thumbnail as an ``img`` element, or a note if the photo cannot be opened.

    Args:
        source: the photo.
        side: longest side of the thumbnail, in pixels.
        quality: of its JPEG.
        description: alternative text; empty if the text beside it says the same.
        lazy: put the image into ``data-src``, for a script to show it when it scrolls into view.
    """
    try:
        photo = open_photo(source, at_least=(side, side))
        photo.thumbnail((side, side), Image.Resampling.BICUBIC)
    except (PhotoError, MemoryError):
        return NO_PHOTO
    source = data_uri(photo, "JPEG", quality=quality, optimize=True)
    size = f'width="{photo.width}" height="{photo.height}"'
    return f'<img {"data-src" if lazy else "src"}="{source}" {size} alt="{escape(description)}">'


def data_uri(image: Image.Image, image_format: str, **options: object) -> str:
    """Return an image as a ``data:`` URI."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return f"data:image/{image_format.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def html_text(text: str) -> str:
    """Return any text as HTML: escaped, with blanks for control characters and surrogates, which HTML cannot hold."""
    return escape("".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in text))


def signed(number: float) -> str:
    """Format a number with two decimals and a typographic minus."""
    return f"{number:.2f}".replace("-", "−") if math.isfinite(number) else "−∞"


def position_in_thirds(x: float, y: float) -> str:
    """Name the ninth of a photo that contains a point.

    Args:
        x: normalised to [0, 1] from left to right.
        y: normalised to [0, 1] from top to bottom.
    """
    return PLACES[min(max(int(3 * y), 0), 2)][min(max(int(3 * x), 0), 2)]
