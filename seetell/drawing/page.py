"""Web pages that show where a captioner looked: one a photo, complete in one file, and one that leads to them all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import quote

import numpy as np
from PIL import Image

from seetell.drawing.heat_map import COLOURS, GROUND, Box, heat, spread
from seetell.drawing.templates import beside, data_address, filled
from seetell.results import Caption, Word

PHOTO_SIDE = 1200
"""Longest side of the photo on its page, in pixels."""

MAP_SIDE = 160
"""That of a heat map, which the browser enlarges."""

PLACES = (("upper left", "top", "upper right"), ("left", "centre", "right"), ("lower left", "bottom", "lower right"))
EVERYWHERE = 0.8
"""From this share of the locations on, the model is said to have looked all over the photo."""


def page(photo: Image.Image, caption: Caption, *, covered: Box, name: str) -> str:
    """Write the page of a photo: choosing a word shows its heat map.

    Args:
        photo: RGB.
        caption: its words carry their attention.
        covered: what the model saw of the photo.
        name: the photo's, to be shown.

    Returns:
        HTML that needs no other file.
    """
    shown = photo.copy()
    shown.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.BICUBIC)
    maps, words = [], []
    for word in caption.words:
        assert word.attention is not None
        intensity = spread(word.attention, covered=covered, photo=photo.size, side=MAP_SIDE)
        maps.append(f'<img class="place map" src="{data_address(heat(intensity), "PNG", optimize=True)}" alt="">')
        words.append(_word(word, _where(word.attention, covered, photo.size)))
    return filled(
        "page.html",
        "page.css",
        title=escape(f"{caption.text} – {name}"),
        caption=escape(caption.text),
        name=escape(name),
        model=escape(caption.model),
        logprob=_number(caption.logprob),
        photo=data_address(shown, "JPEG", quality=85, optimize=True),
        width=str(shown.width),
        height=str(shown.height),
        proportion=f"{shown.width / shown.height:.3f}",
        ground=str(GROUND),
        colours=", ".join(f"rgb{colour} {stop:.0%}" for stop, colour in COLOURS),
        maps="\n".join(maps),
        words="\n".join(words),
        script=beside("page.js"),
    )


@dataclass(frozen=True)
class Entry:
    """A photo on the index page.

    Attributes:
        name: the photo's, to be shown.
        caption: what it is said to show.
        page: file name of its page, in the same folder.
        picture: file name of its tiles.
        size: width and height of the picture.
    """

    name: str
    caption: str
    page: str
    picture: str
    size: tuple[int, int]


def index(entries: Sequence[Entry]) -> str:
    """Write the page that leads to those of the photos, which lie in the same folder."""
    return filled("index.html", "page.css", count=f"{len(entries):,}", photos="\n".join(map(_entry, entries)))


def _entry(entry: Entry) -> str:
    width, height = entry.size
    return (
        f'<li><a href="{quote(entry.page)}">{escape(entry.caption)} <span class="faint">{escape(entry.name)}</span>'
        f'<img src="{quote(entry.picture)}" width="{width}" height="{height}" loading="lazy" alt=""></a></li>'
    )


def _word(word: Word, where: str) -> str:
    chance = math.exp(word.logprob)
    told = f"“{word.text}”: the model looked {where}; log-probability {_number(word.logprob)}, {chance:.0%} likely"
    return (
        f'<li><button class="word" type="button" aria-pressed="false" data-told="{escape(told)}"'
        f' style="--chance: {chance:.0%}">{escape(word.text)}'
        f'<span class="logprob" aria-hidden="true">{_number(word.logprob)}</span></button></li>'
    )


def _where(attention: np.ndarray, covered: Box, photo: tuple[int, int]) -> str:
    """Say in words in which ninth of the photo the model looked most, or that it looked at none in particular."""
    present = attention[attention > 0]
    locations = math.exp(
        -float((present * np.log(present)).sum())
    )  # as many would have this entropy if looked at alike
    if locations > EVERYWHERE * attention.size:
        return "all over the photo"
    row, column = divmod(int(attention.argmax()), attention.shape[1])
    left, top, right, bottom = covered
    across = (left + (column + 0.5) / attention.shape[1] * (right - left)) / photo[0]
    down = (top + (row + 0.5) / attention.shape[0] * (bottom - top)) / photo[1]
    return f"mostly at the {ninth(across, down)}"


def ninth(across: float, down: float) -> str:
    """Name the ninth of a photo that a point lies in, its place given in shares of the photo's width and height."""
    return PLACES[min(max(int(3 * down), 0), 2)][min(max(int(3 * across), 0), 2)]


def _number(logprob: float) -> str:
    return f"{logprob:.2f}".replace("-", "−") if math.isfinite(logprob) else "−∞"
