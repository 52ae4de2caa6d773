"""A picture of a caption's attention: the photo, and beside it a heat map per word."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw

from seetell.drawing.fonts import choose_font, ellipsise
from seetell.drawing.heat_map import colourise, overlay, upsample_attention
from seetell.geometry.boxes import Box
from seetell.results import Caption

TILE_AREA = 200 * 150
TILE_SIDE = 300
"""Pixels of a tile, and of its longer side at most."""

PICTURE_WIDTH = 1280
GAP, MARGIN = 12, 20
FONT_SIZE, LINE_HEIGHT = 19, 30
PAPER, INK = (255, 255, 255), (30, 30, 35)


def attention_picture(photo: Image.Image, caption: Caption, *, visible_box: Box) -> Image.Image:
    """Draw where a captioner attended to for each word.

    Args:
        photo: RGB.
        caption: its words have attention.
        visible_box: the part of the photo that the attention lies over, in its pixels.

    Returns:
        RGB, about 1,280 pixels wide: first the photo, then the words in reading order, in rows.
    """
    small = photo.resize(_tile_size(photo.size), Image.Resampling.BICUBIC, reducing_gap=3)
    tiles = [(small, "")]
    for word in caption.words:
        assert word.attention is not None
        intensity = upsample_attention(word.attention, visible_box=visible_box, photo=photo.size, side=max(small.size))
        tiles.append((overlay(small, colourise(intensity)), word.text))
    return _in_rows(tiles)


def _tile_size(photo: tuple[int, int]) -> tuple[int, int]:
    """Return a tile's width and height, in the photo's proportions."""
    width, height = photo
    scale = min(math.sqrt(TILE_AREA / (width * height)), TILE_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _in_rows(tiles: list[tuple[Image.Image, str]]) -> Image.Image:
    """Lay out tiles of equal size, each with a text below it, in rows of about equal length."""
    tile_width, tile_height = tiles[0][0].size
    texts = [choose_font(text, FONT_SIZE) for _, text in tiles]
    widest = max(font.getlength(text) for text, font in texts)
    cell_width = max(tile_width, min(math.ceil(widest), TILE_SIDE)) + GAP
    cell_height = tile_height + LINE_HEIGHT + GAP
    rows = math.ceil(len(tiles) / max(1, (PICTURE_WIDTH - 2 * MARGIN + GAP) // cell_width))
    columns = math.ceil(len(tiles) / rows)
    size = 2 * MARGIN + columns * cell_width - GAP, 2 * MARGIN + rows * cell_height - GAP
    picture = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(picture)
    for place, ((tile, _), (text, font)) in enumerate(zip(tiles, texts, strict=True)):
        middle = MARGIN + place % columns * cell_width + (cell_width - GAP) // 2
        top = MARGIN + place // columns * cell_height
        picture.paste(tile, (middle - tile_width // 2, top))
        baseline = top + tile_height + round(0.75 * LINE_HEIGHT)
        pen.text((middle, baseline), ellipsise(text, font, cell_width - GAP), INK, font, anchor="ms")
    return picture
