"""Fonts for text in pictures: Pillow's own, and for characters it lacks an installed one."""

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
"""Fonts of Linux, macOS and Windows that have many characters, in the order they are tried."""

_NO_CHARACTER = "\uffff"


def choose_font(text: str, size: int) -> tuple[str, ImageFont.FreeTypeFont]:
    """Choose a font for a text.

    Args:
        text: a word or a few.
        size: height of the font in pixels.

    Returns:
        The text and a font that has all its characters. If there is no such font, accents are removed, and a
        character that is still missing shows as a box.
    """
    text = unicodedata.normalize("NFC", text)
    for font in (_built_in(size), *(_installed(name, size) for name in INSTALLED)):
        if font is not None and _has(font, text):
            return text, font
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return plain, _built_in(size)


def ellipsise(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """Return a text cut to a width in pixels, with an ellipsis if it was too wide."""
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
    """Return whether a font has a glyph for every character: none is drawn as an unassigned code point is."""
    missing = bytes(font.getmask(_NO_CHARACTER))
    return all(bytes(font.getmask(sign)) != missing for sign in set(text) if not sign.isspace())
