"""Regions or an alignment: their boxes laid out over the photo, as a picture and as a web page in one file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from seetell.drawing.fonts import choose_font, ellipsise
from seetell.drawing.page_parts import html_text, photo_parts, position_in_thirds, read_asset, render_template, signed
from seetell.drawing.skeletons import draw_skeleton, skeleton_svg
from seetell.geometry.boxes import Box, area
from seetell.language.counts import counted
from seetell.results import Alignment, Region, Regions

COLOURS = (
    (255, 214, 51),
    (79, 195, 255),
    (255, 122, 190),
    (104, 216, 104),
    (190, 150, 255),
    (255, 156, 64),
    (64, 224, 208),
)
"""Light ones, on which dark text is readable, in an order that keeps neighbours apart; reused if there are more boxes,
which have numbers as well."""

LINE = 4
"""Line width of a box, in pixels of the picture."""
EDGING = 2
"""Width of the dark lines on both sides of it, which make it visible on light ground."""
BADGE = 26
"""Side of the square that contains a box's number."""


@dataclass(frozen=True)
class NumberedBox:
    """A box as it is drawn.

    Attributes:
        number: from 1.
        colour: red, green and blue.
        box: left, top, right and bottom in pixels of the picture, moved inwards where it would hide another's line.
        badge: left and top of the square with its number.
    """

    number: int
    colour: tuple[int, int, int]
    box: Box
    badge: tuple[float, float]


def numbered_boxes(boxes: Sequence[Box], size: tuple[int, int], picture: tuple[float, float]) -> list[NumberedBox]:
    """Lay out boxes over a photo, numbered in their order.

    Args:
        boxes: in pixels of the photo.
        size: its width and height.
        picture: width and height of the photo as it is drawn.
    """
    scale = np.tile(np.array(picture) / size, 2)
    placed = [np.array(box) * scale for box in boxes]
    insets = (LINE + EDGING) * np.array(_lanes(placed))
    drawn: list[NumberedBox] = []
    taken: list[tuple[float, float]] = []
    for number, (box, inset) in enumerate(zip(placed, insets, strict=True)):
        middle = np.tile((box[:2] + box[2:]) / 2, 2)
        sides = np.array([-1, -1, 1, 1])
        moved = np.where((box - middle) * sides > inset + LINE, box - inset * sides, box)
        place = _free(moved, taken, picture)
        taken.append(place)
        drawn.append(NumberedBox(number + 1, COLOURS[number % len(COLOURS)], tuple(moved.tolist()), place))
    return drawn


def _lanes(boxes: Sequence[np.ndarray]) -> list[int]:
    """Assign lanes, counted inwards, so that boxes with edges along each other have different ones; the fewest."""
    lanes: list[int] = []
    for number, box in enumerate(boxes):
        beside = {lanes[other] for other in range(number) if _share_a_line(box, boxes[other])}
        lanes.append(next(lane for lane in itertools.count() if lane not in beside))
    return lanes


def _share_a_line(one: np.ndarray, other: np.ndarray) -> bool:
    close = np.abs(one - other) < LINE + 2 * EDGING
    overlaps = np.minimum(one[2:], other[2:]) > np.maximum(one[:2], other[:2])  # across, down
    return bool((overlaps[1] and (close[0] or close[2])) or (overlaps[0] and (close[1] or close[3])))


def _free(box: np.ndarray, taken: Sequence[tuple[float, float]], picture: tuple[float, float]) -> tuple[float, float]:
    """Find a place for a number: a corner of its box, or further along its edges, that no other number occupies."""
    places = list(_places(box, picture))
    for left, top in places:
        if all(abs(left - x) >= BADGE or abs(top - y) >= BADGE for x, y in taken):
            return left, top
    return places[0]


def _places(box: np.ndarray, picture: tuple[float, float]) -> Iterator[tuple[float, float]]:
    left, top, right, bottom = box.tolist()
    for step in range(1 + int(max(0.0, right - left) // BADGE)):
        for y in (top, bottom - BADGE):
            for x in (left + step * BADGE, right - (step + 1) * BADGE):
                yield min(max(x, 0.0), picture[0] - BADGE), min(max(y, 0.0), picture[1] - BADGE)


MIN_SIDE, MAX_SIDE = 800, 1280
"""Limits of the longer side of the photo in the picture, in pixels."""

MIN_WIDTH = 480
MARGIN = 20
FONT_SIZE, LINE_HEIGHT, GAP, PADDING = 26, 46, 8, 8
CHIP_HEIGHT, ROUND = 38, 6
PAPER, DARK = (255, 255, 255), (24, 24, 28)


def boxes_picture(photo: Image.Image, result: Regions | Alignment) -> Image.Image:
    """Draw the boxes of regions and, below the photo, their texts in the colours of their boxes.

    See :func:`seetell.drawing.picture`.
    """
    shown = resized_photo(photo)
    drawn = numbered_boxes([region.box for region in result.regions], result.size, shown.size)
    pen = ImageDraw.Draw(shown)
    for box in drawn:
        outline(pen, box)
    for region, box in zip(result.regions, drawn, strict=True):
        draw_skeleton(pen, region.points, _skeleton(result), shown.width / result.size[0], box.colour, DARK)
    for box in drawn:
        _badge(pen, box, *box.badge)
    width = max(shown.width, MIN_WIDTH)
    lines = _lines(result.regions, drawn, width - 2 * MARGIN)
    picture = Image.new("RGB", (width, shown.height + 2 * MARGIN + len(lines) * LINE_HEIGHT), PAPER)
    picture.paste(shown, ((width - shown.width) // 2, 0))
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(lines):
        left = float(MARGIN)
        top = shown.height + MARGIN + row * LINE_HEIGHT + (LINE_HEIGHT - CHIP_HEIGHT) // 2
        for chip in line:
            chip.draw(pen, left, top)
            left += chip.width + GAP
    return picture


@dataclass(frozen=True)
class _Chip:
    """Words of a region's text that are in one line, on its colour.

    Attributes:
        box: the region's.
        first: whether they are the first of the text, and have the number before them.
        text: the words.
        font: of the words.
    """

    box: NumberedBox
    first: bool
    text: str
    font: ImageFont.FreeTypeFont

    @property
    def width(self) -> float:
        return self.font.getlength(self.text) + self.margins

    @property
    def margins(self) -> float:
        return 2 * PADDING + (BADGE + PADDING if self.first else 0)

    def draw(self, pen: ImageDraw.ImageDraw, left: float, top: float) -> None:
        pen.rounded_rectangle((left, top, left + self.width, top + CHIP_HEIGHT), ROUND, self.box.colour)
        if self.first:
            _badge(pen, self.box, left + PADDING, top + (CHIP_HEIGHT - BADGE) / 2)
        start = left + self.margins - PADDING
        pen.text((start, top + 0.72 * CHIP_HEIGHT), self.text, DARK, self.font, anchor="ls")


def _lines(regions: Sequence[Region], boxes: list[NumberedBox], width: float) -> list[list[_Chip]]:
    """Break the texts into lines; a word longer than a line is cut."""
    lines: list[list[_Chip]] = [[]]
    room = width
    for region, box in zip(regions, boxes, strict=True):
        words, first = region.text.split(), True
        while words:
            chips = [
                _Chip(box, first, *choose_font(" ".join(words[:end]), FONT_SIZE)) for end in range(1, len(words) + 1)
            ]
            fitting = [chip for chip in chips if chip.width <= room]
            if not fitting and lines[-1]:
                lines.append([])
                room = width
                continue
            first_chip = chips[0]
            short = ellipsise(first_chip.text, first_chip.font, width - first_chip.margins)
            chip = fitting[-1] if fitting else replace(first_chip, text=short)
            lines[-1].append(chip)
            room -= chip.width + GAP
            words, first = words[len(fitting) or 1 :], False
    return lines


def outline(pen: ImageDraw.ImageDraw, box: NumberedBox) -> None:
    """Draw a box's edges in its colour, with dark lines on both sides."""
    left, top, right, bottom = box.box
    inside = (left, top, max(right, left + 1) - 1, max(bottom, top + 1) - 1)
    pen.rectangle(inside, None, DARK, LINE + 2 * EDGING)
    thin = min(EDGING, (inside[2] - left) / 2, (inside[3] - top) / 2)
    pen.rectangle((left + thin, top + thin, inside[2] - thin, inside[3] - thin), None, box.colour, LINE)


def _badge(pen: ImageDraw.ImageDraw, box: NumberedBox, left: float, top: float) -> None:
    """Draw a box's number in its colour on a dark square."""
    text, font = choose_font(str(box.number), BADGE - 6)
    pen.rounded_rectangle((left, top, left + BADGE - 1, top + BADGE - 1), ROUND, DARK)
    pen.text((left + BADGE / 2, top + 0.76 * BADGE), text, box.colour, font, anchor="ms")


def resized_photo(photo: Image.Image) -> Image.Image:
    """Return a copy whose longer side is between :data:`MIN_SIDE` and :data:`MAX_SIDE`."""
    longest = max(photo.size)
    scale = min(max(longest, MIN_SIDE), MAX_SIDE) / longest
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    return photo.resize(size, Image.Resampling.BICUBIC)


LAYOUT_SIDE = 800
"""Longest side that the boxes are laid out for, in pixels: about that of the photo in a browser, whatever its own."""


def boxes_page(photo: Image.Image, result: Regions | Alignment, *, name: str) -> str:
    """Return the page of a photo's regions; see :func:`seetell.drawing.page`."""
    about, counts = f"{name} · model {result.model}", ""
    if isinstance(result, Alignment):
        title, description = f"{result.sentence} – {name}", result.sentence
        list_name, part = "The sentence, phrase by phrase", "part of the sentence"
        about += f" · score of the sentence {signed(result.score)}"
    else:
        texts = [region.text for region in result]
        description = ", ".join(texts)
        if len(set(texts)) < len(texts):
            description = counted(texts)
            counts = f'<p class="faint">{html_text(description)}</p>'
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
        counts=counts,
        hint=f"Point at a {part} or at a box, or choose it, to see which belongs to which.",
        about=html_text(about),
        **photo_parts(photo),
        boxes="\n".join(
            _box(box, ground, int(layer), skeleton_svg(region.points, _skeleton(result), result.size))
            for region, box, layer in zip(result.regions, boxes, layers, strict=True)
        ),
        regions="\n".join(_region(*pair, result.size) for pair in zip(result.regions, boxes, strict=True)),
        script=read_asset("page.js"),
    )


def _skeleton(result: Regions | Alignment) -> Sequence[tuple[int, int]]:
    return result.skeleton if isinstance(result, Regions) else ()


def _box(box: NumberedBox, photo: tuple[float, float], layer: int, skeleton: str) -> str:
    """Draw a box and what lies over it; the smaller lie above the larger, so that each can be pointed at."""
    width, height = photo
    left, top, right, bottom = box.box
    x, y = box.badge
    place = f"left: {left / width:.2%}; top: {top / height:.2%}"
    size = f"width: {(right - left) / width:.2%}; height: {(bottom - top) / height:.2%}"
    return (
        f'<div class="place" style="{_colour(box)}; --layer: {layer}" aria-hidden="true">'
        f'<div class="box" style="{place}; {size}"></div>{skeleton}'
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
