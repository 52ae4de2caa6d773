"""Masks over the photo in colours, with a legend: as a picture, as a web page in one file, and as a label map."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from seetell.drawing.boxes import MIN_WIDTH, resized_photo
from seetell.drawing.fonts import choose_font, ellipsise
from seetell.drawing.page_parts import data_uri, html_text, photo_parts, render_template
from seetell.geometry.masks import label_map
from seetell.results import Mask, Masks

OPACITY = 0.55
"""Of the colours over the photo."""

MARGIN, GAP, PADDING = 20, 8, 10
FONT_SIZE, LINE_HEIGHT, SWATCH = 22, 36, 22
PAPER, INK, EDGE = (255, 255, 255), (30, 30, 35), (255, 255, 255)


def _palette() -> np.ndarray:
    """Return the colours of label maps of the Pascal VOC: the bits of a number, dealt out to red, green and blue."""
    numbers = np.arange(256)
    colours = np.zeros((256, 3), np.int64)
    for place in range(8):
        for channel in range(3):
            colours[:, channel] |= ((numbers >> (3 * place + channel)) & 1) << (7 - place)
    return colours.astype(np.uint8)


PALETTE = _palette()
"""``(256, 3)`` uint8, the colour of each value of a label map; black is none."""


def label_picture(masks: Masks) -> Image.Image:
    """Return masks as a label map: a picture with a palette, whose values are the indices of the masks, 0 for none."""
    picture = Image.fromarray(_labels(masks), mode="P")
    picture.putpalette(PALETTE.tobytes())
    return picture


def masks_picture(photo: Image.Image, masks: Masks) -> Image.Image:
    """Draw masks over the photo, with white edges, and their texts below; see :func:`seetell.drawing.picture`."""
    shown = resized_photo(photo)
    labels = np.asarray(label_picture(masks).resize(shown.size, Image.Resampling.NEAREST))
    pixels = np.asarray(shown).astype(np.float32)
    mixed = np.where(labels[..., None] > 0, (1 - OPACITY) * pixels + OPACITY * PALETTE[labels], pixels)
    mixed[_edges(labels)] = EDGE
    width = max(shown.width, MIN_WIDTH)
    lines = _legend(masks, width - 2 * MARGIN)
    picture = Image.new("RGB", (width, shown.height + 2 * MARGIN + len(lines) * LINE_HEIGHT), PAPER)
    picture.paste(Image.fromarray(mixed.round().astype(np.uint8)), ((width - shown.width) // 2, 0))
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        middle = shown.height + MARGIN + (row + 0.5) * LINE_HEIGHT
        left = float(MARGIN)
        for mask, room in line:
            text, font = choose_font(_said(mask), FONT_SIZE)
            pen.rectangle((left, middle - SWATCH / 2, left + SWATCH, middle + SWATCH / 2), colour(mask), INK)
            start = left + SWATCH + GAP
            pen.text((start, middle), ellipsise(text, font, room - SWATCH - GAP - PADDING), INK, font, anchor="lm")
            left += room
    return picture


def _legend(masks: Masks, width: float) -> list[list[tuple[Mask, float]]]:
    """Break the entries of the legend into lines, each with the width that it takes."""
    lines: list[list[tuple[Mask, float]]] = []
    left = 0.0
    for mask in masks:
        text, font = choose_font(_said(mask), FONT_SIZE)
        taken = min(SWATCH + GAP + font.getlength(text) + 2 * PADDING, width)
        if not lines or taken > left:
            lines.append([])
            left = width
        lines[-1].append((mask, taken))
        left -= taken
    return lines


def _edges(labels: np.ndarray) -> np.ndarray:
    """Return which pixels are the last of their mask, to the right or below."""
    edges = np.zeros(labels.shape, bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges


def _labels(masks: Masks) -> np.ndarray:
    return label_map([(mask.counts, mask.index) for mask in masks], masks.size)


def colour(mask: Mask) -> tuple[int, int, int]:
    """Return the colour of a mask."""
    red, green, blue = PALETTE[(mask.index - 1) % 255 + 1].tolist()
    return red, green, blue


def _said(mask: Mask) -> str:
    return f"{mask.text} {_percent(mask)}"


def _percent(mask: Mask) -> str:
    return f"{100 * mask.share:.0f}%" if mask.share >= 0.01 else "<1%"


def masks_page(photo: Image.Image, masks: Masks, *, name: str) -> str:
    """Return the page of masks, HTML that needs no other file; see :func:`seetell.drawing.page`.

    The colours lie over the photo and can be taken away; the list reads as text.
    """
    parts = photo_parts(photo)
    labels = label_picture(masks).resize((int(parts["width"]), int(parts["height"])), Image.Resampling.NEAREST)
    labels.info["transparency"] = 0
    description = ", ".join(mask.text for mask in masks)
    return render_template(
        "masks_page.html",
        "page.css",
        "label_page.css",
        "masks_page.css",
        title=html_text(f"{name}: {description or 'nothing found'}"),
        description=html_text(description or name),
        about=html_text(f"{name} · model {masks.model}"),
        **parts,
        masks=data_uri(labels, "PNG", optimize=True),
        opacity=f"{OPACITY}",
        entries="\n".join(map(_entry, masks)),
    )


def _entry(mask: Mask) -> str:
    red, green, blue = colour(mask)
    return (
        f'<li style="--probability: {mask.share:.2%}; --colour: rgb({red}, {green}, {blue})">'
        f'<span dir="auto"><span class="swatch" aria-hidden="true"></span>{html_text(mask.text)}</span>'
        f'<span class="bar" aria-hidden="true"></span><span class="percent">{_percent(mask)}</span></li>'
    )
