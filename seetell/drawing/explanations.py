"""Where the parts of a prediction come from: heat maps of several methods side by side, as a picture and as a page."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from seetell.drawing.attention import (
    AGAINST,
    COLOURS,
    GAP,
    GROUND,
    INK,
    MAP_SIDE,
    MARGIN,
    PAPER,
    PICTURE_WIDTH,
    colourise,
    overlay,
    tile_size,
    upsample_attention,
)
from seetell.drawing.fonts import choose_font, ellipsise
from seetell.drawing.page_parts import data_uri, html_text, photo_parts, read_asset, render_template, signed
from seetell.geometry.boxes import Box
from seetell.results import Explanation, Explanations, HeatMap

TITLE_SIZE, METHOD_SIZE = 20, 15
LEAST_WIDTH = 480
TITLE_HEIGHT, METHOD_HEIGHT, BETWEEN = 30, 24, 4
FAINT = (99, 99, 109)

CELLS = 64
"""Rows and columns of a map at most, as it is drawn: maps of single pixels look like noise."""


def explanations_picture(photo: Image.Image, result: Explanations) -> Image.Image:
    """Draw the maps of each part side by side; see :func:`seetell.drawing.picture`.

    Returns:
        RGB, at most about 1,280 pixels wide where the methods are few: first the photo and the whole answer, then a
        block for each part.
    """
    tile = tile_size(photo.size)
    small = photo.resize(tile, Image.Resampling.BICUBIC, reducing_gap=3)
    columns = max([1, *(len(part.maps) for part in result.parts)])
    block_width = columns * (tile[0] + BETWEEN) - BETWEEN
    block_height = TITLE_HEIGHT + tile[1] + METHOD_HEIGHT
    across = max(1, (PICTURE_WIDTH - 2 * MARGIN + 2 * GAP) // (block_width + 2 * GAP))
    across = max(1, min(across, len(result.parts)))
    down = math.ceil(len(result.parts) / across)
    width = max(2 * MARGIN + across * (block_width + 2 * GAP) - 2 * GAP, 3 * tile[0], LEAST_WIDTH)
    picture = Image.new("RGB", (width, 2 * MARGIN + tile[1] + GAP + down * (block_height + GAP)), PAPER)
    pen = ImageDraw.Draw(picture)
    picture.paste(small, (MARGIN, MARGIN))
    _write_answer(pen, result.answer, (MARGIN + tile[0] + GAP, MARGIN), width - 2 * MARGIN - tile[0] - GAP, tile[1])
    for place, part in enumerate(result.parts):
        left = MARGIN + place % across * (block_width + 2 * GAP)
        top = MARGIN + tile[1] + GAP + place // across * (block_height + GAP)
        text, font = choose_font(part.text, TITLE_SIZE)
        score, small_font = choose_font(f"{part.score:.2f}", METHOD_SIZE)
        room = block_width - small_font.getlength(score) - GAP
        text = ellipsise(text, font, room)
        pen.text((left, top + TITLE_HEIGHT / 2), text, INK, font, anchor="lm")
        beside = left + font.getlength(text) + GAP, top + TITLE_HEIGHT / 2
        pen.text(beside, score, FAINT, small_font, anchor="lm")
        for column, heat_map in enumerate(part.maps):
            x = left + column * (tile[0] + BETWEEN)
            drawn = overlay(small, colourise(_intensity(heat_map, result.size, max(tile))))
            if part.box is not None:
                _outline(drawn, part.box, result.size)
            picture.paste(drawn, (x, top + TITLE_HEIGHT))
            text, font = choose_font(_named(heat_map).replace("−", "-"), METHOD_SIZE)
            under = x, top + TITLE_HEIGHT + tile[1] + METHOD_HEIGHT / 2
            pen.text(under, ellipsise(text, font, tile[0]), FAINT, font, anchor="lm")
    return picture


def _outline(drawn: Image.Image, box: Box, size: tuple[int, int]) -> None:
    """Draw the outline of a box, in pixels of a photo of some size, on a copy of it of another size."""
    pen, scale = ImageDraw.Draw(drawn), drawn.width / size[0]
    edges = [round(scale * edge) for edge in box]
    edges[2:] = max(edges[0], edges[2] - 1), max(edges[1], edges[3] - 1)
    pen.rectangle([edges[0] - 1, edges[1] - 1, edges[2] + 1, edges[3] + 1], outline=INK)
    pen.rectangle(edges, outline=PAPER)


def _write_answer(pen: ImageDraw.ImageDraw, answer: str, start: tuple[int, int], width: int, height: int) -> None:
    """Write a text in lines that fit a place, cut off where it is too long."""
    text, font = choose_font(answer, TITLE_SIZE)
    lines = _lines(text, font, width)
    room = max(1, height // TITLE_HEIGHT)
    if len(lines) > room:
        lines = [*lines[: room - 1], f"{lines[room - 1]}…"]
    for number, line in enumerate(lines):
        pen.text((start[0], start[1] + number * TITLE_HEIGHT), ellipsise(line, font, width), INK, font)


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _intensity(heat_map: HeatMap, photo: tuple[int, int], side: int) -> np.ndarray:
    return upsample_attention(heat_map.averaged(CELLS), visible_box=heat_map.box, photo=photo, side=side)


def _named(heat_map: HeatMap) -> str:
    """Return a method's name, for occlusion with how much the score falls at most, or rises where that is more."""
    name = heat_map.method.replace("-", " ")
    if heat_map.method != "occlusion":
        return name
    low, high = float(heat_map.values.min()), float(heat_map.values.max())
    return f"{name}, {signed(-high if high >= -low else -low)}"


def explanations_page(photo: Image.Image, result: Explanations, *, name: str) -> str:
    """Return a page where choosing a part shows its maps side by side; see :func:`seetell.drawing.page`."""
    parts = photo_parts(photo)
    colours = [(-stop, colour) for stop, colour in reversed(AGAINST[1:])] + [*COLOURS]
    return render_template(
        "explanations_page.html",
        "page.css",
        "explanations_page.css",
        title=html_text(f"{result.answer} – {name}"),
        answer=html_text(result.answer),
        name=html_text(name),
        model=html_text(result.model),
        ground=str(GROUND),
        colours=", ".join(f"rgb{colour} {(stop + 1) / 2:.0%}" for stop, colour in colours),
        rows="\n".join(_row(part, result.size) for part in result.parts),
        words="\n".join(map(_button, result.parts)),
        script=read_asset("page.js"),
        **parts,
    )


def _row(part: Explanation, photo: tuple[int, int]) -> str:
    frame = "" if part.box is None else _frame(part.box, photo)
    figures = "".join(
        f'<figure><div class="shot"><img src="{_map_uri(heat_map, photo)}" alt="">{frame}</div>'
        f'<figcaption class="faint">{html_text(_named(heat_map))}</figcaption></figure>'
        for heat_map in part.maps
    )
    return f'<div class="place methods">{figures}</div>'


def _frame(box: Box, photo: tuple[int, int]) -> str:
    """Return the outline of a box."""
    left, top, right, bottom = (edge / photo[number % 2] for number, edge in enumerate(box))
    place = f"left: {left:.2%}; top: {top:.2%}; width: {right - left:.2%}; height: {bottom - top:.2%}"
    return f'<div class="frame" style="{place}"></div>'


def _map_uri(heat_map: HeatMap, photo: tuple[int, int]) -> str:
    return data_uri(colourise(_intensity(heat_map, photo, MAP_SIDE)), "PNG", optimize=True)


def _button(part: Explanation) -> str:
    methods = "; ".join(map(_named, part.maps))
    description = f"“{part.text}”: score {signed(part.score)}; {methods}"
    return (
        f'<li><button class="word" type="button" aria-pressed="false" data-description="{html_text(description)}">'
        f"{html_text(part.text)}</button></li>"
    )
