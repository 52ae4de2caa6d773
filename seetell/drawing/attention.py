"""Where a captioner looked for each word: heat maps over the photo, a picture of them, and a web page in one file."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from seetell.drawing.fonts import choose_font, ellipsise
from seetell.drawing.page_parts import (
    data_uri,
    html_text,
    photo_parts,
    position_in_thirds,
    read_asset,
    render_template,
    signed,
)
from seetell.geometry.boxes import Box
from seetell.results import Caption, Word

SMOOTHING = 0.55
"""Standard deviation of the Gaussian around each grid location, in locations: enough to hide the grid."""

COLOURS = (
    (0.0, (70, 0, 110)),
    (0.3, (165, 20, 120)),
    (0.55, (245, 80, 50)),
    (0.8, (255, 160, 30)),
    (1.0, (255, 225, 110)),
)
"""Colour map with increasing lightness: its order is kept in grey and for colour-blind people."""
AGAINST = ((0.0, (0, 40, 110)), (0.5, (20, 110, 190)), (1.0, (130, 210, 255)))
"""The same for what is below 0."""
OPACITY = 0.8
"""At the highest intensity; proportional to it."""
LEVELS = 128
"""Intensity levels of an image."""
UNSEEN = (0, 0, 0, 140)
"""Colour and opacity outside the part of the photo that the model sees."""
GROUND = 0.62
"""Brightness of the grey photo under a heat map."""


def upsample_attention(attention: np.ndarray, *, visible_box: Box, photo: tuple[int, int], side: int) -> np.ndarray:
    """Upsample attention to pixels, each location's weight spread like a Gaussian around its centre.

    Args:
        attention: ``(H, W)`` over the visible box; other maps may be negative, too.
        visible_box: the part of the photo that the model sees, in its pixels; may extend beyond the photo.
        photo: its width and height.
        side: longer side of the result in pixels; the shorter follows from the photo's proportions.

    Returns:
        ``(rows, columns)``: scaled so that the value farthest from 0 is 1 or −1, NaN outside the visible box.
    """
    width, height = photo
    left, top, right, bottom = visible_box
    columns, rows = (max(1, round(side * length / max(photo))) for length in photo)
    across, seen_across = _weights(columns, (left / width, right / width), attention.shape[1])
    down, seen_down = _weights(rows, (top / height, bottom / height), attention.shape[0])
    intensity: np.ndarray = down @ attention @ across.T
    seen = seen_down[:, None] & seen_across
    return np.where(seen, intensity / (np.abs(intensity[seen]).max(initial=0) or 1), np.nan)


def _weights(pixels: int, ends: tuple[float, float], locations: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how each pixel along an edge of the photo is interpolated from the locations of the grid.

    Args:
        pixels: along the edge.
        ends: start and end of the grid, the edge normalised to [0, 1].
        locations: of the grid.

    Returns:
        Weights ``(pixels, locations)``, rows summing to 1, and which pixels the grid covers, ``(pixels,)`` bool.
    """
    start, end = ends
    positions = (np.arange(pixels) + 0.5) / pixels
    within = np.clip(positions, start, end)
    centres = start + (np.arange(locations) + 0.5) / locations * (end - start)
    deviations = (within[:, None] - centres) * locations / (end - start) / SMOOTHING
    weights = np.exp(-0.5 * deviations**2)
    return weights / weights.sum(axis=1, keepdims=True), within == positions


def colourise(intensity: np.ndarray) -> Image.Image:
    """Apply the colour map to the result of :func:`upsample_attention`: an image of one byte per pixel, mode ``P``."""
    levels = np.rint(np.nan_to_num(intensity) * (LEVELS - 1))
    levels = np.where(np.isnan(intensity), LEVELS, np.where(levels < 0, LEVELS - levels, levels))
    image = Image.fromarray(levels.astype(np.uint8))
    image.putpalette(_palette().tobytes(), "RGBA")
    return image


def _palette() -> np.ndarray:
    """Return red, green, blue and opacity of every level, of what is not seen, and of every level below 0.

    Returns:
        ``(2 · LEVELS, 4)`` uint8.
    """
    level = np.linspace(0, 1, LEVELS)
    positive, negative = (
        np.stack([*_interpolated(level, colours), 255 * OPACITY * level], axis=1) for colours in (COLOURS, AGAINST)
    )
    return np.vstack([positive, UNSEEN, negative[1:]]).round().astype(np.uint8)


def _interpolated(level: np.ndarray, colours: Sequence[tuple[float, tuple[int, int, int]]]) -> list[np.ndarray]:
    stops = [stop for stop, _ in colours]
    return [np.interp(level, stops, [colour[channel] for _, colour in colours]) for channel in range(3)]


def overlay(photo: Image.Image, heat_map: Image.Image) -> Image.Image:
    """Lay a heat map over a photo in dark greys.

    Args:
        photo: RGB.
        heat_map: of any size, from :func:`colourise`.

    Returns:
        RGB, in the photo's size.
    """
    ground = ImageEnhance.Brightness(photo.convert("L").convert("RGBA")).enhance(GROUND)
    layer = heat_map.convert("RGBA").resize(photo.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(ground, layer).convert("RGB")


TILE_AREA = 200 * 150
TILE_SIDE = 300
"""Pixels of a tile, and of its longer side at most."""

PICTURE_WIDTH = 1280
GAP, MARGIN = 12, 20
FONT_SIZE, LINE_HEIGHT = 19, 30
PAPER, INK = (255, 255, 255), (30, 30, 35)


def attention_picture(photo: Image.Image, caption: Caption, *, visible_box: Box) -> Image.Image:
    """Draw where a captioner attended to for each word; see :func:`seetell.drawing.picture`.

    Returns:
        RGB, about 1,280 pixels wide: first the photo, then the words in reading order, in rows.
    """
    small = photo.resize(tile_size(photo.size), Image.Resampling.BICUBIC, reducing_gap=3)
    tiles = [(small, "")]
    for word in caption.words:
        assert word.attention is not None
        intensity = upsample_attention(word.attention, visible_box=visible_box, photo=photo.size, side=max(small.size))
        tiles.append((overlay(small, colourise(intensity)), word.text))
    return _in_rows(tiles)


def tile_size(photo: tuple[int, int]) -> tuple[int, int]:
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


MAP_SIDE = 160
"""Longest side of a heat map, in pixels; the browser enlarges it."""

UNIFORM = 0.8
"""Attention whose entropy is that of a uniform distribution over this share of the grid counts as all over it."""


def attention_page(photo: Image.Image, caption: Caption, *, visible_box: Box, name: str) -> str:
    """Return the page of a caption, where choosing a word shows its heat map; see :func:`seetell.drawing.page`."""
    maps, words = [], []
    for word in caption.words:
        assert word.attention is not None
        intensity = upsample_attention(word.attention, visible_box=visible_box, photo=photo.size, side=MAP_SIDE)
        maps.append(f'<img class="place map" src="{data_uri(colourise(intensity), "PNG", optimize=True)}" alt="">')
        words.append(_word(word, _where(word.attention, visible_box, photo.size)))
    return render_template(
        "attention_page.html",
        "page.css",
        title=html_text(f"{caption.text} – {name}"),
        caption=html_text(caption.text),
        name=html_text(name),
        model=html_text(caption.model),
        logprob=signed(caption.logprob),
        **photo_parts(photo),
        ground=str(GROUND),
        colours=", ".join(f"rgb{colour} {stop:.0%}" for stop, colour in COLOURS),
        maps="\n".join(maps),
        words="\n".join(words),
        script=read_asset("page.js"),
    )


def _word(word: Word, where: str) -> str:
    probability = math.exp(word.logprob)
    description = (
        f"“{word.text}”: the model looked {where}; log-probability {signed(word.logprob)}, {probability:.0%} likely"
    )
    return (
        f'<li><button class="word" type="button" aria-pressed="false" data-description="{html_text(description)}"'
        f' style="--probability: {probability:.0%}">{html_text(word.text)}'
        f'<span class="logprob" aria-hidden="true">{signed(word.logprob)}</span></button></li>'
    )


def _where(attention: np.ndarray, visible_box: Box, photo: tuple[int, int]) -> str:
    """Describe the ninth of the photo with the most attention, or that there is none in particular."""
    positive = attention[attention > 0]
    perplexity = math.exp(-float((positive * np.log(positive)).sum()))
    if perplexity > UNIFORM * attention.size:
        return "all over the photo"
    row, column = divmod(int(attention.argmax()), attention.shape[1])
    left, top, right, bottom = visible_box
    x = (left + (column + 0.5) / attention.shape[1] * (right - left)) / photo[0]
    y = (top + (row + 0.5) / attention.shape[0] * (bottom - top)) / photo[1]
    return f"mostly at the {position_in_thirds(x, y)}"
