"""A picture of regions or of an alignment: the photo with its boxes, and below it their texts in the same colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFont

from seetell.drawing.box_layout import BADGE, EDGING, LINE, NumberedBox, numbered_boxes
from seetell.drawing.fonts import choose_font, ellipsise
from seetell.results import Alignment, Region, Regions

MIN_SIDE, MAX_SIDE = 800, 1280
"""Limits of the longer side of the photo in the picture, in pixels."""

MIN_WIDTH = 480
MARGIN = 20
FONT_SIZE, LINE_HEIGHT, GAP, PADDING = 26, 46, 8, 8
CHIP_HEIGHT, ROUND = 38, 6
PAPER, DARK = (255, 255, 255), (24, 24, 28)


def boxes_picture(photo: Image.Image, result: Regions | Alignment) -> Image.Image:
    """Draw the boxes of regions and, below the photo, their texts.

    Args:
        photo: RGB, upright, of any scale.
        result: regions, or the phrases of a sentence.

    Returns:
        RGB, the photo and below it the texts in the colours of their boxes.
    """
    shown = resized_photo(photo)
    drawn = numbered_boxes([region.box for region in result.regions], result.size, shown.size)
    pen = ImageDraw.Draw(shown)
    for box in drawn:
        _outline(pen, box)
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
            chip = fitting[-1] if fitting else _shortened(chips[0], width)
            lines[-1].append(chip)
            room -= chip.width + GAP
            words, first = words[len(fitting) or 1 :], False
    return lines


def _shortened(chip: _Chip, width: float) -> _Chip:
    return replace(chip, text=ellipsise(chip.text, chip.font, width - chip.margins))


def _outline(pen: ImageDraw.ImageDraw, box: NumberedBox) -> None:
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
