"""Words in pictures: Pillow's own font, and for letters it lacks one that is installed."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PIL import ImageFont

INSTALLED = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "Arial.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "msyh.ttc",
    "PingFang.ttc",
    "YuGothM.ttc",
    "malgun.ttf",
)
"""Fonts of Linux, macOS and Windows that have many letters, in the order they are tried."""

_NO_LETTER = "\uffff"


def lettered(text: str, size: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Choose a font for a text.

    Args:
        text: a word or a few.
        size: height of the font in pixels.

    Returns:
        The text and a font that has all its letters. Where no font has, accents are left off, and a letter that is
        still lacking shows as a box.
    """
    text = unicodedata.normalize("NFC", text)
    for font in (_built_in(size), *(_installed(name, size) for name in INSTALLED)):
        if font is not None and _has(font, text):
            return text, font
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return bare, _built_in(size)


def shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Cut a text that is wider than allowed and end it with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


@lru_cache
def _built_in(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


@lru_cache
def _installed(name: str, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


def _has(font: ImageFont.FreeTypeFont, text: str) -> bool:
    """Whether a font draws none of the letters as it draws a code that is no letter."""
    lacking = bytes(font.getmask(_NO_LETTER))
    return all(bytes(font.getmask(letter)) != lacking for letter in set(text) if not letter.isspace())
