"""A picture that is written on, which keeps in mind what is written where."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from seetell.data.synthetic_text.words import bent, calmed, contrasting_colour, written
from seetell.geometry.homography import homography, mapped

SIDE = 512
"""Pixels of a picture's side."""


class Canvas:
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
