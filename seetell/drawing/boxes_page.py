"""A web page of regions or of an alignment, complete in one file: pointing at a text shows its box, and vice versa."""

from __future__ import annotations

import numpy as np
from PIL import Image

from seetell.drawing.box_layout import NumberedBox, numbered_boxes
from seetell.drawing.page_parts import (
    html_text,
    photo_parts,
    position_in_thirds,
    read_asset,
    render_template,
    signed,
)
from seetell.geometry.boxes import area
from seetell.results import Alignment, Region, Regions

LAYOUT_SIDE = 800
"""Longest side that the boxes are laid out for, in pixels: about that of the photo in a browser, whatever its own."""


def boxes_page(photo: Image.Image, result: Regions | Alignment, *, name: str) -> str:
    """Return the page of a photo's regions.

    Args:
        photo: RGB, upright, of any scale.
        result: regions, or the phrases of a sentence.
        name: the photo's, to be shown.

    Returns:
        HTML that needs no other file.
    """
    about = f"{name} · model {result.model}"
    if isinstance(result, Alignment):
        title, description = f"{result.sentence} – {name}", result.sentence
        list_name, part = "The sentence, phrase by phrase", "part of the sentence"
        about += f" · score of the sentence {signed(result.score)}"
    else:
        description = ", ".join(region.text for region in result)
        title = f"{name}: {description or 'nothing found'}"
        list_name, part = "The regions, highest score first", "phrase"
    width, height = result.size
    scale = LAYOUT_SIDE / max(width, height)
    ground = width * scale, height * scale
    boxes = numbered_boxes([region.box for region in result.regions], result.size, ground)
    layers = np.argsort([-area(np.array(box.box)) for box in boxes], kind="stable").argsort()
    return render_template(
        "boxes_page.html",
        "page.css",
        "boxes_page.css",
        title=html_text(title),
        description=html_text(description),
        list_name=html_text(list_name),
        hint=f"Point at a {part} or at a box, or choose it, to see which belongs to which.",
        about=html_text(about),
        **photo_parts(photo),
        boxes="\n".join(_box(box, ground, int(layer)) for box, layer in zip(boxes, layers, strict=True)),
        regions="\n".join(_region(*pair, result.size) for pair in zip(result.regions, boxes, strict=True)),
        script=read_asset("page.js"),
    )


def _box(box: NumberedBox, photo: tuple[float, float], layer: int) -> str:
    """Draw a box; the smaller lie above the larger, so that each can be pointed at."""
    width, height = photo
    left, top, right, bottom = box.box
    x, y = box.badge
    place = f"left: {left / width:.2%}; top: {top / height:.2%}"
    size = f"width: {(right - left) / width:.2%}; height: {(bottom - top) / height:.2%}"
    return (
        f'<div class="place" style="{_colour(box)}; --layer: {layer}" aria-hidden="true">'
        f'<div class="box" style="{place}; {size}"></div>'
        f'<div class="badge" style="left: {x / width:.2%}; top: {y / height:.2%}">{box.number}</div></div>'
    )


def _region(region: Region, box: NumberedBox, photo: tuple[int, int]) -> str:
    left, top, right, bottom = region.box
    where = position_in_thirds((left + right) / 2 / photo[0], (top + bottom) / 2 / photo[1])
    description = (
        f"“{region.text}”: box {left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f}, around the {where} of the photo; "
        f"score {signed(region.score)}"
    )
    return (
        f'<li><button class="word" type="button" aria-pressed="false" data-description="{html_text(description)}"'
        f' style="{_colour(box)}"><span class="badge" aria-hidden="true">{box.number}</span>'
        f"{html_text(region.text)}</button></li>"
    )


def _colour(box: NumberedBox) -> str:
    return f"--colour: rgb{box.colour}"
