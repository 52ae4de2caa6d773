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
from PIL import Image, ImageFont

from seetell.data.synthetic_text.backgrounds import Backgrounds
from seetell.data.synthetic_text.canvas import SIDE, Canvas
from seetell.data.synthetic_text.fonts import font_of_size
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import Strings
from seetell.data.synthetic_text.words import calmed, contrasting_colour, photographed

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
        draw: Callable[[np.random.Generator], Canvas] = getattr(self, f"_{kind}")
        canvas = draw(random)
        image = photographed(canvas.pixels, random, canvas.wear, line_height=WORN_LINE)
        if image.size != (SIDE, SIDE):
            image = image.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        return RenderedPage(
            image.convert("RGB"), np.array(canvas.lines, np.float32).reshape(-1, 4, 2), tuple(canvas.texts)
        )

    def _scene(self, random: np.random.Generator) -> Canvas:
        """Signs and captions on a photo."""
        canvas = Canvas(self.photos.draw(random, SIDE, SIDE), wear=0.5)
        if random.random() < NOTHING:
            return canvas
        for _ in range(random.integers(1, 7)):
            font = self._font(random, int(np.exp(random.uniform(*np.log(SIGN_SIZES)))))
            block = [self.strings.draw(random) for _ in range(random.choice(3, p=(0.6, 0.25, 0.15)) + 1)]
            canvas.write_sign(block, font, random)
        return canvas

    def _paper(self, random: np.random.Generator) -> Canvas:
        """Columns of lines, with headings, pictures and rules between them, on paper that lies a little askew."""
        dark = random.random() < 0.15
        paper = (
            self.plain.draw(random, SIDE, SIDE)
            if random.random() < 0.3
            else np.full((SIDE, SIDE, 3), random.uniform(0, 50) if dark else random.uniform(215, 255), np.float32)
        )
        canvas = Canvas(calmed(paper, 12), wear=random.choice([0.0, 0.6]))
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
        self, canvas: Canvas, random: np.random.Generator, edges: tuple[float, float], size: int, spacing: float
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

    def _screen(self, random: np.random.Generator) -> Canvas:
        """Panels, buttons, labels, small pictures and lines without text."""
        canvas = Canvas(calmed(self.plain.draw(random, SIDE, SIDE), 20))
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
        canvas: Canvas,
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
