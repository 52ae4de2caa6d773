"""A web page for an alignment, complete in one file: pointing at a segment shows its box, and the other way round."""

from __future__ import annotations

import numpy as np
from PIL import Image

from seetell.drawing.page import PHOTO_SIDE, ninth
from seetell.drawing.segment_boxes import SegmentBox, segment_boxes
from seetell.drawing.templates import beside, data_address, filled, html_text
from seetell.photos.boxes import area
from seetell.results import Alignment, Segment

LAYOUT_SIDE = 800
"""Longest side that the boxes are laid out for, in pixels: about that of the photo in a browser, whatever its own."""


def aligned_page(photo: Image.Image, alignment: Alignment, *, name: str) -> str:
    """Write the page.

    Args:
        photo: RGB, upright, of any scale.
        alignment: of the photo.
        name: the photo's, to be shown.

    Returns:
        HTML that needs no other file.
    """
    shown = photo.copy()
    shown.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.BICUBIC)
    width, height = alignment.size
    scale = LAYOUT_SIDE / max(width, height)
    ground = width * scale, height * scale
    boxes = segment_boxes(alignment, ground)
    areas = np.argsort([-area(np.array(box.box)) for box in boxes], kind="stable").argsort()
    return filled(
        "aligned_page.html",
        "page.css",
        "aligned_page.css",
        title=html_text(f"{alignment.sentence} – {name}"),
        sentence=html_text(alignment.sentence),
        name=html_text(name),
        model=html_text(alignment.model),
        score=_number(alignment.score),
        photo=data_address(shown, "JPEG", quality=85, optimize=True),
        width=str(shown.width),
        height=str(shown.height),
        proportion=f"{shown.width / shown.height:.3f}",
        boxes="\n".join(_box(box, ground, int(layer)) for box, layer in zip(boxes, areas, strict=True)),
        segments="\n".join(_segment(*pair, alignment.size) for pair in zip(alignment.segments, boxes, strict=True)),
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


def _segment(segment: Segment, box: SegmentBox, photo: tuple[int, int]) -> str:
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
