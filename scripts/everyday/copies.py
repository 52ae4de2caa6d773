"""A photo as it is passed on: smaller, and saved again with loss.

Half of the copies are those that ``benchmarks/format_stability.py`` looks at, half have sizes and qualities drawn at
random.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance

COMMON = (("JPEG", 90), ("JPEG", 75), ("WEBP", 80), ("AVIF", 75))
"""Formats and qualities that are drawn as they are."""

_FILTERS = (Image.Resampling.BICUBIC, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS, Image.Resampling.BOX)


def saved(photo: Image.Image, format: str, **options: int) -> Image.Image:
    """Return a photo as a file of it shows it.

    Args:
        photo: RGB.
        format: Pillow's name of the format.
        options: for Pillow, such as ``quality``.
    """
    file = io.BytesIO()
    photo.save(file, format, **options)
    with Image.open(file) as opened:
        return opened.convert("RGB")


def half(photo: Image.Image) -> Image.Image:
    """Return a photo at half its width and height."""
    return smaller(photo, 0.5)


def smaller(photo: Image.Image, share: float, resample: Image.Resampling = Image.Resampling.LANCZOS) -> Image.Image:
    """Return a photo with a share of its width and height."""
    width, height = (max(1, int(share * side)) for side in photo.size)
    return photo.resize((width, height), resample)


def common_copy(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a photo in one of the ``COMMON`` formats or, in three cases of seven, at half its width and height."""
    drawn = int(random.integers(len(COMMON) + 3))
    if drawn >= len(COMMON):
        return half(photo)
    format, quality = COMMON[drawn]
    return saved(photo, format, quality=quality)


def random_copy(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a photo smaller, saved as JPEG or WebP, or both, with sizes and qualities at random."""
    if random.random() < 0.6:
        photo = smaller(photo, random.uniform(0.42, 0.95), _FILTERS[random.integers(len(_FILTERS))])
    drawn = random.random()
    if drawn < 0.55:
        sampling = int(random.choice([0, 2]))
        return saved(photo, "JPEG", quality=int(random.integers(55, 96)), subsampling=sampling)
    return saved(photo, "WEBP", quality=int(random.integers(60, 95))) if drawn < 0.85 else photo


def copy_of(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a photo as it is, in 8 % of the cases, or a common or random copy of it."""
    drawn = random.random()
    if drawn < 0.08:
        return photo
    return common_copy(photo, random) if drawn < 0.62 else random_copy(photo, random)


def cutout(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a photo nobody took: a part of one, in other light; in a third of the cases the photo itself."""
    if random.random() < 0.35:
        return photo
    side, ratio = random.uniform(0.45, 1) ** 0.5, np.exp(random.uniform(-0.2, 0.2))
    width = max(1, int(min(1, side * ratio) * photo.width))
    height = max(1, int(min(1, side / ratio) * photo.height))
    left, top = int(random.uniform(0, photo.width - width)), int(random.uniform(0, photo.height - height))
    photo = photo.crop((left, top, left + width, top + height))
    if random.random() < 0.4:
        photo = ImageEnhance.Brightness(photo).enhance(random.uniform(0.7, 1.3))
        photo = ImageEnhance.Color(photo).enhance(random.uniform(0.5, 1.4))
    return photo
