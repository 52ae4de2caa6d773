"""One picture for an alignment or for regions: the photo with its boxes, and below it their texts in their colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFont

from seetell.drawing.fonts import lettered, shortened
from seetell.drawing.segment_boxes import BADGE, EDGING, LINE, SegmentBox, numbered_boxes
from seetell.geometry.boxes import Box
from seetell.results import Alignment

SMALLEST, LARGEST = 800, 1280
"""Between these lies the longer side of the photo in the picture, in pixels."""

NARROWEST = 480
MARGIN = 20
LETTERS, LINE_HEIGHT, GAP, PADDING = 26, 46, 8, 8
CHIP_HEIGHT, ROUND = 38, 6
PAPER, DARK = (255, 255, 255), (24, 24, 28)


def aligned_photo(photo: Image.Image, alignment: Alignment) -> Image.Image:
    """Draw an alignment; see :func:`labelled_photo`."""
    texts = [segment.text for segment in alignment.regions]
    return labelled_photo(photo, texts, [segment.box for segment in alignment.regions], size=alignment.size)


def labelled_photo(
    photo: Image.Image, texts: Sequence[str], boxes: Sequence[Box], *, size: tuple[int, int]
) -> Image.Image:
    """Draw boxes and, below the photo, what each holds.

    Args:
        photo: RGB, upright, of any scale.
        texts: one for each box.
        boxes: in pixels of the photo at its own size.
        size: that size, width and height.

    Returns:
        RGB, the photo and below it the texts in the colours of their boxes.
    """
    shown = _scaled(photo)
    drawn = numbered_boxes(boxes, size, shown.size)
    pen = ImageDraw.Draw(shown)
    for box in drawn:
        _outline(pen, box)
    for box in drawn:
        _badge(pen, box, *box.badge)
    width = max(shown.width, NARROWEST)
    lines = _lines(texts, drawn, width - 2 * MARGIN)
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
    """Words of a segment that stand in one line, on its colour.

    Attributes:
        box: the segment's.
        begins: whether they are its first, before which its number stands.
        text: the words.
        font: theirs.
    """

    box: SegmentBox
    begins: bool
    text: str
    font: ImageFont.FreeTypeFont

    @property
    def width(self) -> float:
        return self.font.getlength(self.text) + self.margins

    @property
    def margins(self) -> float:
        return 2 * PADDING + (BADGE + PADDING if self.begins else 0)

    def draw(self, pen: ImageDraw.ImageDraw, left: float, top: float) -> None:
        pen.rounded_rectangle((left, top, left + self.width, top + CHIP_HEIGHT), ROUND, self.box.colour)
        if self.begins:
            _badge(pen, self.box, left + PADDING, top + (CHIP_HEIGHT - BADGE) / 2)
        begin = left + self.margins - PADDING
        pen.text((begin, top + 0.72 * CHIP_HEIGHT), self.text, DARK, self.font, anchor="ls")


def _lines(texts: Sequence[str], boxes: list[SegmentBox], width: float) -> list[list[_Chip]]:
    """Lay the texts in lines; a word longer than a line is cut."""
    lines: list[list[_Chip]] = [[]]
    room = width
    for text, box in zip(texts, boxes, strict=True):
        words, begins = text.split(), True
        while words:
            chips = [_Chip(box, begins, *lettered(" ".join(words[:end]), LETTERS)) for end in range(1, len(words) + 1)]
            fitting = [chip for chip in chips if chip.width <= room]
            if not fitting and lines[-1]:
                lines.append([])
                room = width
                continue
            chip = fitting[-1] if fitting else _shortened(chips[0], width)
            lines[-1].append(chip)
            room -= chip.width + GAP
            words, begins = words[len(fitting) or 1 :], False
    return lines


def _shortened(chip: _Chip, width: float) -> _Chip:
    return replace(chip, text=shortened(chip.text, chip.font, width - chip.margins))


def _outline(pen: ImageDraw.ImageDraw, box: SegmentBox) -> None:
    left, top, right, bottom = box.box
    inside = (left, top, max(right, left + 1) - 1, max(bottom, top + 1) - 1)
    pen.rectangle(inside, None, DARK, LINE + 2 * EDGING)
    thin = min(EDGING, (inside[2] - left) / 2, (inside[3] - top) / 2)
    pen.rectangle((left + thin, top + thin, inside[2] - thin, inside[3] - thin), None, box.colour, LINE)


def _badge(pen: ImageDraw.ImageDraw, box: SegmentBox, left: float, top: float) -> None:
    """Draw a segment's number in its colour on a dark square."""
    text, font = lettered(str(box.number), BADGE - 6)
    pen.rounded_rectangle((left, top, left + BADGE - 1, top + BADGE - 1), ROUND, DARK)
    pen.text((left + BADGE / 2, top + 0.76 * BADGE), text, box.colour, font, anchor="ms")


def _scaled(photo: Image.Image) -> Image.Image:
    """Return a copy whose longer side lies between two limits."""
    longest = max(photo.size)
    scale = min(max(longest, SMALLEST), LARGEST) / longest
    size = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
    return photo.resize(size, Image.Resampling.BICUBIC)
