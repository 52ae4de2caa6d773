"""Fill the HTML templates that lie beside this file into pages that need no other file."""

from __future__ import annotations

import base64
import io
import unicodedata
from html import escape
from pathlib import Path
from string import Template

from PIL import Image

GENERATOR = '<meta name="generator" content="seetell">'
"""By this line in its head a page of ours is known."""


def filled(template: str, *styles: str, **parts: str) -> str:
    """Fill a template.

    Args:
        template: its file name.
        styles: file names of the style sheets that it needs besides the common one.
        parts: what to put in the places of these names, already HTML.
    """
    style = "\n".join(map(beside, ("base.css", *styles)))
    return Template(beside(template)).substitute(parts, generator=GENERATOR, style=style)


def beside(name: str) -> str:
    """Return the text of a file in this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8").strip()


def data_address(image: Image.Image, image_format: str, **options: object) -> str:
    """Return an image as an address that contains it."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return f"data:image/{image_format.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def html_text(text: str) -> str:
    """Return any text as HTML: escaped, and with blanks for the control characters and surrogates HTML cannot hold."""
    return escape("".join(" " if unicodedata.category(sign) in ("Cc", "Cs") else sign for sign in text))
