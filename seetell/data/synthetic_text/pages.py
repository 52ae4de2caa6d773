"""Pictures with lines of text in them, of which it is known where each is: photos with signs, pages and screens.

After Gupta, Vedaldi & Zisserman, "Synthetic Data for Text Localisation in Natural Images", CVPR 2016. Departures: text
lies on any part of a photo, not on surfaces that were found in it; and printed pages and screens are among the
pictures, for these are what people have read. Photos that are written on should show no text of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from seetell.data.synthetic_text.backgrounds import Backgrounds
from seetell.data.synthetic_text.fonts import font_of_size
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import Strings
from seetell.data.synthetic_text.words import bent, calmed, contrasting_colour, photographed, written
from seetell.geometry.homography import homography, mapped

SIDE = 512
"""Pixels of a picture's side."""

KINDS = {"scene": 0.45, "paper": 0.3, "screen": 0.25}
"""How often each kind of picture is made."""

WORN_LINE = 22
"""Pixels of a line that stays legible however the picture is blurred and shrunk."""

SIGN_SIZES = (11, 150)
"""Heights of the fonts on photos in pixels, as many large as small ones."""

LONGEST = 40
"""Most characters of a text; lines are made of several."""

NOTHING = 0.15
"""Share of photos without any text."""


class RenderedPage(NamedTuple):
    """A picture with text.

    Attributes:
        image: RGB.
        lines: corners of the lines, ``(N, 4, 2)`` xy in pixels, from the top left one clockwise as the text is read.
        texts: what is written there.
    """

    image: Image.Image
    lines: np.ndarray
    texts: tuple[str, ...]


@dataclass(frozen=True)
class SyntheticPages:
    """An endless series of pictures with text: each follows from the seed and its number alone.

    Attributes:
        strings: texts to write.
        fonts: files.
        photos: to write on.
        plain: colours and gradients to write on.
        seed: of all randomness.
    """

    strings: Strings
    fonts: tuple[Path, ...]
    photos: Backgrounds
    plain: Backgrounds
    seed: int

    @classmethod
    def create(cls, materials: Materials, characters: str, *, seed: int = 0, held_out: bool = False) -> SyntheticPages:
        """Find what pages are rendered of; see :meth:`~seetell.data.synthetic_text.words.SyntheticWords.create`."""
        return cls(
            materials.strings(characters, held_out=held_out, longest=LONGEST),
            materials.font_files(characters),
            materials.backgrounds(share=1.0),
            Backgrounds(),
            seed,
        )

    def render(self, number: int) -> RenderedPage:
        """Render a picture of the series."""
        random = np.random.default_rng((self.seed, number))
        kinds = list(KINDS)
        kind = kinds[int(random.choice(len(kinds), p=list(KINDS.values())))]
        draw: Callable[[np.random.Generator], _Canvas] = getattr(self, f"_{kind}")
        canvas = draw(random)
        image = photographed(canvas.pixels, random, canvas.wear, line_height=WORN_LINE)
        if image.size != (SIDE, SIDE):
            image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return RenderedPage(
            image.convert("RGB"), np.array(canvas.lines, np.float32).reshape(-1, 4, 2), tuple(canvas.texts)
        )

    def _scene(self, random: np.random.Generator) -> _Canvas:
        """Signs and captions on a photo."""
        canvas = _Canvas(self.photos.draw(random, SIDE, SIDE), wear=0.5)
        if random.random() < NOTHING:
            return canvas
        for _ in range(random.integers(1, 7)):
            font = self._font(random, int(np.exp(random.uniform(*np.log(SIGN_SIZES)))))
            block = [self.strings.draw(random) for _ in range(random.choice(3, p=(0.6, 0.25, 0.15)) + 1)]
            canvas.write_sign(block, font, random)
        return canvas

    def _paper(self, random: np.random.Generator) -> _Canvas:
        """Columns of lines, with headings, pictures and rules between them, on paper that lies a little askew."""
        dark = random.random() < 0.15
        paper = (
            self.plain.draw(random, SIDE, SIDE)
            if random.random() < 0.3
            else np.full((SIDE, SIDE, 3), random.uniform(0, 50) if dark else random.uniform(215, 255), np.float32)
        )
        canvas = _Canvas(calmed(paper, 12), wear=random.choice([0.0, 0.6]))
        columns = int(random.choice(3, p=(0.55, 0.35, 0.1))) + 1
        edges = np.linspace(random.uniform(4, 40), SIDE - random.uniform(4, 40), columns + 1)
        size = int(random.integers(9, 27 if columns == 1 else 17))
        spacing = random.uniform(1.1, 1.7)
        for left, right in zip(edges[:-1], edges[1:] - 12, strict=True):
            self._column(canvas, random, (float(left), float(right)), size, spacing)
        if random.random() < 0.5:
            canvas.turn(random, paper=np.asarray(paper.mean(axis=(0, 1))))
        return canvas

    def _column(
        self, canvas: _Canvas, random: np.random.Generator, edges: tuple[float, float], size: int, spacing: float
    ) -> None:
        left, right = edges
        body = self._font(random, size)
        ink = contrasting_colour(random, canvas.pixels, least=90)
        y = random.uniform(4, 60)
        while y < SIDE - size:
            kind = random.random()
            if kind < 0.08:
                height = random.uniform(20, 150)
                if y + height < SIDE and right - left > 20:
                    canvas.paste(self.photos.draw(random, int(right - left), int(height)), int(left), int(y))
                y += height + size
            elif kind < 0.2:
                heading = self._font(random, int(size * random.uniform(1.2, 2.5)))
                canvas.write(self._filling(random, heading, (right - left) * 0.9), heading, (left, y), ink)
                y += heading.size * spacing
            elif kind < 0.25:
                canvas.rule(left, right, y, ink)
                y += size
            else:
                for _ in range(random.integers(1, 9)):
                    share = 1.0 if random.random() < 0.8 else random.uniform(0.2, 0.9)
                    if y < SIDE - size:
                        canvas.write(self._filling(random, body, (right - left) * share), body, (left, y), ink)
                    y += size * spacing
                y += size * random.choice([0.0, 0.7])

    def _screen(self, random: np.random.Generator) -> _Canvas:
        """Panels, buttons, labels, small pictures and lines without text."""
        canvas = _Canvas(calmed(self.plain.draw(random, SIDE, SIDE), 20))
        fonts = [self._font(random, int(random.integers(10, 20))) for _ in range(3)]
        y = 4.0
        while y < SIDE - 30:
            height = float(random.uniform(18, 120))
            x = random.uniform(2, 30)
            while x < SIDE - 40:
                width = min(float(random.choice([random.uniform(30, 120), random.uniform(120, 500)])), SIDE - x - 4)
                part = (int(x), int(y), int(x + width), int(min(y + height, SIDE - 2)))
                kind = random.random()
                if kind < 0.12:
                    canvas.paste(self.photos.draw(random, part[2] - part[0], part[3] - part[1]), part[0], part[1])
                elif kind < 0.2:
                    canvas.shape(part, random)
                else:
                    self._panel(canvas, random, part, fonts[int(random.integers(len(fonts)))])
                x += width + random.uniform(4, 40)
            y += height + random.uniform(2, 20)
        return canvas

    def _panel(
        self,
        canvas: _Canvas,
        random: np.random.Generator,
        part: tuple[int, int, int, int],
        font: ImageFont.FreeTypeFont,
    ) -> None:
        left, top, right, bottom = part
        if random.random() < 0.5:
            colour = self.plain.draw(random, 1, 1)[0, 0]
            canvas.box(part, colour, radius=int(random.choice([0, 4, 10])))
        ink = contrasting_colour(random, canvas.pixels[top:bottom, left:right], least=70)
        inset = random.uniform(3, 12)
        y = top + random.uniform(2, 8)
        while y + font.size * 1.2 < bottom:
            text = self._filling(random, font, (right - left - 2 * inset) * random.uniform(0.4, 1))
            canvas.write(text, font, (left + inset, y), ink)
            y += font.size * random.uniform(1.2, 2)

    def _font(self, random: np.random.Generator, size: int) -> ImageFont.FreeTypeFont:
        return font_of_size(self.fonts[random.integers(len(self.fonts))], size)

    def _filling(self, random: np.random.Generator, font: ImageFont.FreeTypeFont, width: float) -> str:
        """Return words that fill a line, or none if not even one does."""
        line = ""
        for _ in range(12):
            longer = f"{line} {self.strings.draw(random)}".strip()
            if font.getlength(longer) > width:
                words = longer.split()
                while words and font.getlength(" ".join(words)) > width:
                    words.pop()
                return " ".join(words)
            line = longer
        return line


class _Canvas:
    """Pixels that are written on, ``(SIDE, SIDE, 3)`` float32, and what is written where.

    Args:
        pixels: to write on.
        wear: difficulty of :func:`~seetell.data.synthetic_text.words.photographed`.
    """

    def __init__(self, pixels: np.ndarray, *, wear: float = 0.0) -> None:
        self.pixels = np.array(pixels, np.float32)
        self.wear = wear
        self.lines: list[np.ndarray] = []
        self.texts: list[str] = []
        self._taken = np.zeros((SIDE, SIDE), bool)

    def write(self, text: str, font: ImageFont.FreeTypeFont, place: tuple[float, float], ink: np.ndarray) -> None:
        """Write a line upright; ``place`` is the top left corner of its line box."""
        if not text:
            return
        x, y = int(place[0]), int(place[1])
        left, top, right, bottom = (int(side) for side in font.getbbox(text))
        box = np.array([x + left, y + top, x + right, y + bottom])
        if right <= left or bottom <= top or box.min() < 0 or box.max() >= SIDE:
            return
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=font)
        self._blend(np.asarray(mask, np.float32) / 255, int(box[0]), int(box[1]), ink)
        self._add(text, _corners(*box.tolist()))

    def write_sign(self, block: list[str], font: ImageFont.FreeTypeFont, random: np.random.Generator) -> None:
        """Write lines below one another somewhere, turned, in perspective, perhaps on a plate or bent."""
        spacing = random.uniform(-0.02, 0.5) * font.size if random.random() < 0.25 else 0.0
        masks = [_tight(written(text, font, spacing=spacing)) for text in block]
        gap, border = int(font.size * random.uniform(0.15, 0.5)), int(font.size * random.uniform(0.2, 0.6)) + 2
        width = max(line.width for line in masks) + 2 * border
        height = sum(line.height + gap for line in masks) - gap + 2 * border
        if width >= SIDE or height >= SIDE or width < 4 or height < 4:
            return
        mask, corners, y = Image.new("L", (width, height)), [], border
        centred = random.random() < 0.6
        for cover_of_line in masks:
            x = (width - cover_of_line.width) // 2 if centred else border
            mask.paste(cover_of_line, (x, y))
            corners.append(_corners(x, y, x + cover_of_line.width, y + cover_of_line.height))
            y += cover_of_line.height + gap
        if len(block) == 1 and random.random() < 0.08:
            mask = bent(mask, random.uniform(-0.3, 0.3))
            box = mask.getbbox() or (0, 0, *mask.size)
            corners, (width, height) = [_corners(*box)], mask.size
        whole = _corners(0, 0, width, height)
        turned = _turned(whole, random)
        size = int(np.ceil(turned[:, 0].max())), int(np.ceil(turned[:, 1].max()))
        if max(size) >= SIDE:
            return
        left, top = int(random.integers(0, SIDE - size[0])), int(random.integers(0, SIDE - size[1]))
        part = np.s_[top : top + size[1], left : left + size[0]]
        if self._taken[part].any():
            return
        self._taken[part] = True
        fetched = homography(whole, turned)
        if random.random() < 0.35:
            plate = Image.new("L", (width, height), 255).transform(size, Image.Transform.PERSPECTIVE, fetched)
            colour = random.uniform(0, 255, size=3)
            self._blend(np.asarray(plate, np.float32) / 255 * random.uniform(0.7, 1), left, top, colour)
        ink = contrasting_colour(random, calmed(self.pixels[part], 45), least=60)
        moved = mask.transform(size, Image.Transform.PERSPECTIVE, fetched, Image.Resampling.BILINEAR)
        cover = np.asarray(moved, np.float32) / 255
        if random.random() < 0.25:  # a shadow
            self._blend(np.roll(cover, (1, 1), axis=(0, 1)) * 0.6, left, top, np.zeros(3))
        self._blend(cover * random.uniform(0.8, 1), left, top, ink)
        forth = homography(turned, whole)
        for text, line in zip(block, corners, strict=True):
            self._add(text, mapped(line, forth) + np.array([left, top]))

    def paste(self, picture: np.ndarray, left: int, top: int) -> None:
        """Put a picture ``(h, w, 3)`` somewhere."""
        height, width, _ = picture.shape
        self.pixels[top : top + height, left : left + width] = picture

    def box(self, part: tuple[int, int, int, int], colour: np.ndarray, *, radius: int) -> None:
        """Fill a box with round corners."""
        left, top, right, bottom = part
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, right - left - 1, bottom - top - 1), radius, fill=255)
        self._blend(np.asarray(mask, np.float32) / 255, left, top, colour)

    def shape(self, part: tuple[int, int, int, int], random: np.random.Generator) -> None:
        """Draw something that is no text: rings, bars, a polygon or a grid."""
        left, top, right, bottom = part
        width, height = right - left, bottom - top
        mask = Image.new("L", (width, height))
        draw, kind = ImageDraw.Draw(mask), random.integers(4)
        stroke = int(random.integers(1, 5))
        if kind == 0:
            draw.ellipse((2, 2, min(width, height) - 2, min(width, height) - 2), outline=255, width=stroke)
        elif kind == 1:
            for x in range(2, width, int(random.integers(6, 30))):
                draw.rectangle((x, height * random.random(), x + stroke, height), fill=255)
        elif kind == 2:
            points = random.uniform(0, 1, size=(int(random.integers(3, 7)), 2)) * (width, height)
            draw.polygon([tuple(point) for point in points.tolist()], outline=255, width=stroke)
        else:
            step = int(random.integers(8, 40))
            for x in range(0, width, step):
                draw.line((x, 0, x, height), fill=255)
            for y in range(0, height, step):
                draw.line((0, y, width, y), fill=255)
        self._blend(np.asarray(mask, np.float32) / 255, left, top, random.uniform(0, 255, size=3))

    def rule(self, left: float, right: float, y: float, ink: np.ndarray) -> None:
        """Draw a horizontal line."""
        self.pixels[int(y), int(left) : int(right)] = ink

    def turn(self, random: np.random.Generator, *, paper: np.ndarray) -> None:
        """Lay the page a little askew."""
        whole = _corners(0, 0, SIDE, SIDE)
        angle = np.deg2rad(random.normal(0, 2))
        rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        turned = (whole - SIDE / 2) @ rotation + SIDE / 2 + random.uniform(-6, 6, size=(4, 2))
        image = Image.fromarray(np.clip(self.pixels, 0, 255).astype(np.uint8))
        colour = tuple(int(value) for value in np.clip(paper, 0, 255))
        moved = image.transform(
            (SIDE, SIDE),
            Image.Transform.PERSPECTIVE,
            homography(whole, turned),
            Image.Resampling.BILINEAR,
            fillcolor=colour,
        )
        self.pixels = np.asarray(moved, np.float32)
        forth = homography(turned, whole)
        self.lines = [mapped(line, forth) for line in self.lines]

    def _blend(self, cover: np.ndarray, left: int, top: int, colour: np.ndarray) -> None:
        height, width = cover.shape
        part = self.pixels[top : top + height, left : left + width]
        share = cover[: part.shape[0], : part.shape[1], None]
        part *= 1 - share
        part += share * np.asarray(colour, np.float32)

    def _add(self, text: str, corners: np.ndarray) -> None:
        self.lines.append(corners)
        self.texts.append(text)


def _tight(mask: Image.Image) -> Image.Image:
    return mask.crop(mask.getbbox() or (0, 0, 1, 1))


def _corners(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def _turned(corners: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the corners of a block that is turned and seen in perspective, its bounding box beginning at 0."""
    angle = np.deg2rad(random.normal(0, 4) if random.random() < 0.8 else random.uniform(-35, 35))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    height = corners[2, 1]
    turned = (corners - corners.mean(axis=0)) @ rotation + random.uniform(-0.12, 0.12, size=(4, 2)) * height
    moved: np.ndarray = turned - turned.min(axis=0)
    return moved
