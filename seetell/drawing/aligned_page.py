"""A web page for an alignment or for regions, complete in one file: pointing at a text shows its box, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from seetell.drawing.page import PHOTO_SIDE, ninth
from seetell.drawing.segment_boxes import SegmentBox, numbered_boxes
from seetell.drawing.templates import beside, data_address, filled, html_text
from seetell.geometry.boxes import area
from seetell.results import Alignment, Region, Regions

LAYOUT_SIDE = 800
"""Longest side that the boxes are laid out for, in pixels: about that of the photo in a browser, whatever its own."""


def aligned_page(photo: Image.Image, alignment: Alignment, *, name: str) -> str:
    """Write the page of an alignment; see :func:`boxed_page`."""
    return boxed_page(
        photo,
        alignment.regions,
        size=alignment.size,
        title=f"{alignment.sentence} – {name}",
        description=alignment.sentence,
        list_name="The sentence, segment by segment",
        hint="Point at a part of the sentence or at a box, or choose it, to see which belongs to which.",
        about=f"{name} · model {alignment.model} · score of the sentence {_number(alignment.score)}",
    )


def regions_page(photo: Image.Image, regions: Regions, *, name: str) -> str:
    """Write the page of a photo's regions; see :func:`boxed_page`.

    Args:
        photo: RGB, upright, of any scale.
        regions: what was found on it.
        name: the photo's, to be shown.
    """
    phrases = [region.text for region in regions]
    return boxed_page(
        photo,
        regions.regions,
        size=regions.size,
        title=f"{name}: {', '.join(phrases) or 'nothing found'}",
        description=", ".join(phrases),
        list_name="The regions, the surest first",
        hint="Point at a phrase or at a box, or choose it, to see which belongs to which.",
        about=f"{name} · model {regions.model}",
    )


def boxed_page(
    photo: Image.Image,
    segments: Sequence[Region],
    *,
    size: tuple[int, int],
    title: str,
    description: str,
    list_name: str,
    hint: str,
    about: str,
) -> str:
    """Write a page of texts and their boxes.

    Args:
        photo: RGB, upright, of any scale.
        segments: texts with boxes.
        size: width and height of the photo that their boxes are in pixels of.
        title: of the page.
        description: of the photo, for those who do not see it.
        list_name: of the list of texts, for them too.
        hint: what a reader can do.
        about: a line below.

    Returns:
        HTML that needs no other file.
    """
    shown = photo.copy()
    shown.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.BICUBIC)
    width, height = size
    scale = LAYOUT_SIDE / max(width, height)
    ground = width * scale, height * scale
    boxes = numbered_boxes([segment.box for segment in segments], size, ground)
    areas = np.argsort([-area(np.array(box.box)) for box in boxes], kind="stable").argsort()
    return filled(
        "aligned_page.html",
        "page.css",
        "aligned_page.css",
        title=html_text(title),
        description=html_text(description),
        list_name=html_text(list_name),
        hint=html_text(hint),
        about=html_text(about),
        photo=data_address(shown, "JPEG", quality=85, optimize=True),
        width=str(shown.width),
        height=str(shown.height),
        proportion=f"{shown.width / shown.height:.3f}",
        boxes="\n".join(_box(box, ground, int(layer)) for box, layer in zip(boxes, areas, strict=True)),
        segments="\n".join(_segment(*pair, size) for pair in zip(segments, boxes, strict=True)),
        script=beside("page.js"),
    )


def _box(box: SegmentBox, photo: tuple[float, float], layer: int) -> str:
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


def _segment(segment: Region, box: SegmentBox, photo: tuple[int, int]) -> str:
    left, top, right, bottom = segment.box
    where = ninth((left + right) / 2 / photo[0], (top + bottom) / 2 / photo[1])
    told = (
        f"“{segment.text}”: box {left:.0f}, {top:.0f} to {right:.0f}, {bottom:.0f}, around the {where} of the photo; "
        f"score {_number(segment.score)}"
    )
    return (
        f'<li><button class="word" type="button" aria-pressed="false" data-told="{html_text(told)}"'
        f' style="{_colour(box)}"><span class="badge" aria-hidden="true">{box.number}</span>'
        f"{html_text(segment.text)}</button></li>"
    )


def _colour(box: SegmentBox) -> str:
    return f"--colour: rgb{box.colour}"


def _number(score: float) -> str:
    return f"{score:.2f}".replace("-", "−")
