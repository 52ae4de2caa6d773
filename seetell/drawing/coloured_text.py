"""A text whose characters are coloured by a number each: as a picture, or as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from seetell.drawing.fonts import choose_font

POSITIVE, NEGATIVE, PAPER, INK = (88, 160, 255), (255, 150, 64), (255, 255, 255), (24, 24, 24)
COLUMNS = 100
"""Characters of a line; longer ones are broken."""

LEAST_COLUMNS = 60
"""Of the picture, for the titles."""

CELL = (9, 18)
"""Pixels of a character."""

MARGIN = 12


class Panel(NamedTuple):
    """A text and its colours.

    Attributes:
        title: stands above it.
        text: of ``N`` characters.
        values: ``(N,)``, from −1, orange, over 0, white, to 1, blue.
    """

    title: str
    text: str
    values: np.ndarray


def draw_coloured(panels: Sequence[Panel]) -> Image.Image:
    """Draw texts one below the other."""
    width, height = _size(panels)
    picture = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(picture)
    for top, panel in _placed(panels):
        title, font = choose_font(panel.title, 15)
        pen.text((MARGIN, top + 2), title, fill=INK, font=font)
        for row, column, sign, value in _cells(panel):
            left, upper = MARGIN + column * CELL[0], top + (row + 1) * CELL[1] + MARGIN
            pen.rectangle((left, upper, left + CELL[0] - 1, upper + CELL[1] - 1), fill=colour_of(value))
            if not sign.isspace():
                shown, font = choose_font(sign, 14)
                pen.text((left + CELL[0] / 2, upper + CELL[1] * 0.75), shown, fill=INK, font=font, anchor="ms")
    return picture


def coloured_svg(panels: Sequence[Panel]) -> str:
    """Return texts one below the other as SVG, which scales, and whose characters can be searched for."""
    width, height = _size(panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="monospace" font-size="14" fill="{_hex(INK)}">',
        f'<rect width="{width}" height="{height}" fill="{_hex(PAPER)}"/>',
    ]
    for top, panel in _placed(panels):
        parts.append(f'<text x="{MARGIN}" y="{top + 16}" font-weight="bold">{escape(_valid(panel.title))}</text>')
        for row, column, sign, value in _cells(panel):
            left, upper = MARGIN + column * CELL[0], top + (row + 1) * CELL[1] + MARGIN
            parts.append(
                f'<rect x="{left}" y="{upper}" width="{CELL[0]}" height="{CELL[1]}" fill="{_hex(colour_of(value))}"/>'
            )
            if not sign.isspace():
                middle, base = left + CELL[0] / 2, upper + round(CELL[1] * 0.75)
                parts.append(f'<text x="{middle}" y="{base}" text-anchor="middle">{escape(_valid(sign))}</text>')
    return "\n".join([*parts, "</svg>", ""])


def colour_of(value: float) -> tuple[int, int, int]:
    """Return the colour of a number from −1 to 1."""
    share = min(1.0, abs(value))
    ends = zip(PAPER, POSITIVE if value > 0 else NEGATIVE, strict=True)
    red, green, blue = (round(paper + share * (full - paper)) for paper, full in ends)
    return red, green, blue


def _cells(panel: Panel) -> Iterator[tuple[int, int, str, float]]:
    """Yield the row, column, character and number of each character; the end of a line is a blank."""
    row = column = 0
    for sign, value in zip(panel.text, panel.values.tolist(), strict=True):
        if column == COLUMNS and sign != "\n":
            row, column = row + 1, 0
        yield row, column, sign, value
        row, column = (row + 1, 0) if sign == "\n" else (row, column + 1)


def _rows(panel: Panel) -> int:
    return 1 + max((row for row, *_ in _cells(panel)), default=0)


def _placed(panels: Sequence[Panel]) -> Iterator[tuple[int, Panel]]:
    """Yield where each text begins, in pixels from the top."""
    top = MARGIN
    for panel in panels:
        yield top, panel
        top += (_rows(panel) + 1) * CELL[1] + 2 * MARGIN


def _size(panels: Sequence[Panel]) -> tuple[int, int]:
    height = MARGIN + sum((_rows(panel) + 1) * CELL[1] + 2 * MARGIN for panel in panels)
    columns = max((column + 1 for panel in panels for _, column, *_ in _cells(panel)), default=0)
    return 2 * MARGIN + max(columns, LEAST_COLUMNS) * CELL[0], height


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _valid(text: str) -> str:
    """Return a text without what XML does not allow."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
