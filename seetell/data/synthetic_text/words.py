"""Pictures of one word each: rendered in some font, bent, turned and tilted, on some background, and blurred.

After Jaderberg et al., "Synthetic Data and Artificial Neural Networks for Natural Scene Text Recognition", 2014: font,
border and shadow, base colour, projective distortion, natural blending, noise. Departures: backgrounds are photos,
plain colours or gradients, one layer of text is blended, and curved words are among them.
"""

from __future__ import annotations

import dataclasses
import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from seetell.data.synthetic_text.backgrounds import Backgrounds
from seetell.data.synthetic_text.fonts import font_of_size
from seetell.data.synthetic_text.materials import Materials
from seetell.data.synthetic_text.strings import Strings
from seetell.geometry.homography import homography

SIZES = (12, 15, 18, 22, 26, 32, 40)
"""Heights of fonts in pixels."""

LEAST_CONTRAST = 45
"""Of a text's luminance with that of an even background, on the 0–255 scale, in difficulty 1."""

BUSY = 45
"""Greatest standard deviation of the luminance of what is written on, in difficulty 1."""

EASIER = 35
"""How much more contrast there is, and how much calmer backgrounds are, in difficulty 0."""

LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


class RenderedWord(NamedTuple):
    """A picture of a word.

    Attributes:
        image: cut out with some border, of any size.
        text: what is written.
    """

    image: Image.Image
    text: str


@dataclass(frozen=True)
class SyntheticWords:
    """An endless series of rendered words: each follows from the seed and its number alone.

    Attributes:
        strings: texts to write.
        fonts: files.
        backgrounds: to write on.
        seed: of all randomness.
        difficulty: scales distortion, blur and noise; 0 for none.
    """

    strings: Strings
    fonts: tuple[Path, ...]
    backgrounds: Backgrounds
    seed: int
    difficulty: float = 1.0

    @classmethod
    def create(
        cls,
        materials: Materials,
        characters: str,
        *,
        seed: int = 0,
        held_out: bool = False,
        longest: int = 20,
        difficulty: float = 1.0,
    ) -> SyntheticWords:
        """Find what words are rendered of.

        Args:
            materials: where words, fonts and photos are.
            characters: that texts may have.
            seed: see the class.
            held_out: write the words that are never trained on.
            longest: most characters of a text.
            difficulty: see the class.

        Raises:
            DataError: there are no such words, fonts or photos.
        """
        return cls(
            materials.strings(characters, held_out=held_out, longest=longest),
            materials.font_files(characters),
            materials.backgrounds(),
            seed,
            difficulty,
        )

    @property
    def identity(self) -> dict[str, Any]:
        """What its words follow from, but for the content of fonts and photos; ready for JSON."""
        words = zlib.crc32("\n".join(self.strings.words).encode())
        signs = "".join(sorted(self.strings.characters))
        return {
            "words": words,
            "characters": signs,
            "longest": self.strings.longest,
            "fonts": [font.name for font in self.fonts],
            "photos": len(self.backgrounds.photos),
            "seed": self.seed,
            "difficulty": self.difficulty,
        }

    def render(self, number: int, *, difficulty: float | None = None) -> RenderedWord:
        """Render a word of the series, in the series' difficulty or another."""
        if difficulty is not None:
            return dataclasses.replace(self, difficulty=difficulty).render(number)
        random = np.random.default_rng((self.seed, number))
        text = self.strings.draw(random)
        font = font_of_size(self.fonts[random.integers(len(self.fonts))], SIZES[random.integers(len(SIZES))])
        spacing = random.uniform(-0.04, 0.35) * font.size if random.random() < 0.2 else 0.0
        mask = written(text, font, spacing=spacing)
        if random.random() < 0.15 * self.difficulty:
            mask = bent(mask, random.uniform(-0.5, 0.5))
        mask = _tilted(mask, random, self.difficulty)
        mask = _cut_out(mask, random, self.difficulty)
        return RenderedWord(self._composed(mask, random), text)

    def _composed(self, mask: Image.Image, random: np.random.Generator) -> Image.Image:
        """Write on a background, and photograph the result."""
        width, height = mask.size
        ease = EASIER * max(1 - self.difficulty, 0)
        pixels = calmed(self.backgrounds.draw(random, width, height), BUSY - ease)
        cover = np.asarray(mask, np.float32)[:, :, None] / 255
        ink = contrasting_colour(random, pixels, least=LEAST_CONTRAST + ease)
        effect = random.random()
        if effect < 0.12:  # an outline in another colour
            wider = np.asarray(mask.filter(ImageFilter.MaxFilter(3)), np.float32)[:, :, None] / 255
            pixels = pixels * (1 - wider) + contrasting_colour(random, np.broadcast_to(ink, (1, 1, 3))) * wider
        elif effect < 0.27:  # a shadow
            moved = np.roll(cover, tuple(random.integers(1, 3, size=2)), axis=(0, 1)) * random.uniform(0.3, 0.8)
            pixels = pixels * (1 - moved)
        opacity = random.uniform(0.75, 1)
        pixels = pixels * (1 - cover * opacity) + ink * (cover * opacity)
        return photographed(pixels, random, self.difficulty)


def calmed(pixels: np.ndarray, most: float) -> np.ndarray:
    """Lower the contrast of pixels ``(H, W, 3)`` until their luminance deviates by at most ``most`` from its mean."""
    deviation = float((pixels @ LUMINANCE).std())
    if deviation <= most:
        return pixels
    mean = pixels.mean(axis=(0, 1))
    calmer: np.ndarray = mean + (pixels - mean) * (most / deviation)
    return calmer


def contrasting_colour(
    random: np.random.Generator, background: np.ndarray, *, least: float = LEAST_CONTRAST
) -> np.ndarray:
    """Draw a colour that differs enough in luminance from a background ``(H, W, 3)`` to be read."""
    luminance = background @ LUMINANCE
    mean, contrast = float(luminance.mean()), min(least + 1.5 * float(luminance.std()), 120)
    for _ in range(20):
        colour = random.uniform(0, 255, size=3)
        if random.random() < 0.5:
            colour = colour * 0.25 if mean > 127 else 255 - colour * 0.25
        if abs(float((colour * LUMINANCE).sum()) - mean) >= contrast:
            return colour.astype(np.float32)
    return np.full(3, 0.0 if mean > 127 else 255.0, np.float32)


def written(text: str, font: ImageFont.FreeTypeFont, *, spacing: float = 0.0) -> Image.Image:
    """Return how much of each pixel letters cover, in mode L, with a border of half a line.

    Args:
        text: of one line.
        font: to write in.
        spacing: pixels between letters, besides what the font has.
    """
    left, top, right, bottom = font.getbbox(text)
    border = int(font.size * 0.5)
    width = int(right - left + spacing * (len(text) - 1)) + 2 * border + 1
    mask = Image.new("L", (max(width, 2 * border + 4), int(bottom - top) + 2 * border))
    draw = ImageDraw.Draw(mask)
    if not spacing:
        draw.text((border - left, border - top), text, fill=255, font=font)
        return mask
    x = border - left
    for sign in text:
        draw.text((x, border - top), sign, fill=255, font=font)
        x += font.getlength(sign) + spacing
    return mask


def bent(mask: Image.Image, amount: float) -> Image.Image:
    """Bend a text along a parabola.

    Args:
        mask: in mode L.
        amount: how much higher its middle gets, in heights of the picture; negative for lower.
    """
    pixels = np.asarray(mask)
    height, width = pixels.shape
    rise = amount * height * (1 - np.linspace(-1, 1, width) ** 2)
    rise -= rise.min()
    taller = height + int(rise.max()) + 1
    rows = np.arange(taller)[:, None] - (rise.max() - rise)[None].astype(int)
    inside = (rows >= 0) & (rows < height)
    return Image.fromarray(np.where(inside, pixels[np.clip(rows, 0, height - 1), np.arange(width)], 0).astype(np.uint8))


def _tilted(mask: Image.Image, random: np.random.Generator, difficulty: float) -> Image.Image:
    """Turn, shear and tilt a text."""
    if difficulty == 0 or random.random() < 0.25:
        return mask
    width, height = mask.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    angle = np.deg2rad(np.clip(random.normal(0, 3.5), -15, 15)) * difficulty
    shear = random.normal(0, 0.12) * difficulty
    centred = corners - (width / 2, height / 2)
    centred[:, 0] += shear * centred[:, 1]
    turned = centred @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned += random.uniform(-0.1, 0.1, size=(4, 2)) * (min(width, 3 * height), height) * difficulty
    turned -= turned.min(axis=0)
    size = int(np.ceil(turned[:, 0].max())), int(np.ceil(turned[:, 1].max()))
    return mask.transform(size, Image.Transform.PERSPECTIVE, homography(corners, turned), Image.Resampling.BILINEAR)


def _cut_out(mask: Image.Image, random: np.random.Generator, difficulty: float) -> Image.Image:
    """Cut a text out as a detector does, with more or less border, or a little too tightly where it is difficult."""
    box = mask.getbbox() or (0, 0, *mask.size)
    height = box[3] - box[1]
    border = np.clip(random.normal(0.12, 0.12, size=4), 0.04 - 0.08 * difficulty, 0.5) * height
    left, top, right, bottom = np.array(box) + border * (-1, -1, 1, 1)
    return mask.crop((int(left), int(top), max(int(right), int(left) + 4), max(int(bottom), int(top) + 4)))


def photographed(
    pixels: np.ndarray, random: np.random.Generator, difficulty: float, *, line_height: float | None = None
) -> Image.Image:
    """Return pixels ``(H, W, 3)`` as a camera of the difficulty would: darker on one side, blurred, coarse, noisy.

    Args:
        pixels: from 0 to 255.
        random: to draw from.
        difficulty: of what is drawn.
        line_height: pixels of a line of text, to which blur and coarseness are in proportion; ``H`` when absent.
    """
    height, width, _ = pixels.shape
    line = height if line_height is None else line_height
    if random.random() < 0.3 * difficulty:
        shade = np.linspace(random.uniform(0.5, 1.2), random.uniform(0.5, 1.2), width, dtype=np.float32)
        pixels = pixels * shade[None, :, None]
    if random.random() < 0.4 * difficulty:
        pixels = pixels + random.normal(0, random.uniform(2, 14), size=(height, width, 1))
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if random.random() < 0.4 * difficulty:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.3) * line / 32))
    if random.random() < 0.25 * difficulty and line > 16:
        scale = random.uniform(14, line) / line
        small = max(8, int(width * scale)), max(8, int(height * scale))
        image = image.resize(small, Image.Resampling.BILINEAR)
    if random.random() < 0.15 * difficulty:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(random.integers(25, 80)))
        image = Image.open(file)
        image.load()
    return image
