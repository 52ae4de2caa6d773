"""What synthetic words are written on: parts of photos, plain colours and gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from seetell.errors import DataError
from seetell.photos import open_photo
from seetell.photos.folders import photo_folders

SIDE = 512
"""Pixels of the longer side at which photos are kept in memory."""

PHOTO_SHARE = 0.5
"""How often a photo is written on, where there are any."""


class Backgrounds:
    """Backgrounds of any size.

    Args:
        folder: of photos; plain colours and gradients alone when absent.
        most: photos to use.
        share: how often a photo is drawn.

    Raises:
        DataError: the folder has no photos.
    """

    def __init__(self, folder: str | Path | None = None, *, most: int = 400, share: float = PHOTO_SHARE) -> None:
        self.share = share
        walked = photo_folders(str(folder), lambda unreadable: None) if folder else ()
        self.photos = [Path(path, name) for path, names in walked for name in names][:most]
        if folder and not self.photos:
            raise DataError(f"{folder}: expected a folder of photos to write on")
        self._opened: dict[Path, Image.Image] = {}

    def draw(self, random: np.random.Generator, width: int, height: int) -> np.ndarray:
        """Return a background, ``(height, width, 3)`` float32 from 0 to 255."""
        if self.photos and random.random() < self.share:
            return self._part_of_a_photo(random, width, height)
        colour = _colour(random)
        if random.random() < 0.5:
            return np.broadcast_to(colour, (height, width, 3)).astype(np.float32)
        other = np.clip(colour + random.normal(0, 40, size=3), 0, 255)
        across, down = random.uniform(-1, 1, size=2)
        slope = across * np.linspace(-1, 1, width)[None] + down * np.linspace(-1, 1, height)[:, None]
        share = ((slope + 2) / 4)[:, :, None].astype(np.float32)
        blended: np.ndarray = colour * (1 - share) + other * share
        return blended.astype(np.float32)

    def _part_of_a_photo(self, random: np.random.Generator, width: int, height: int) -> np.ndarray:
        path = self.photos[random.integers(len(self.photos))]
        photo = self._opened.get(path) or self._opened.setdefault(path, _opened(path))
        scale = min(random.uniform(0.7, 2.5), photo.width / width, photo.height / height)
        across, down = width * scale, height * scale
        left, top = random.uniform(0, photo.width - across), random.uniform(0, photo.height - down)
        part = photo.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, left + across, top + down))
        return np.asarray(part, np.float32)


def _colour(random: np.random.Generator) -> np.ndarray:
    """Draw a colour, near white or black more often than not, as paper and screens are."""
    kind = random.random()
    if kind < 0.35:
        return 255 - np.abs(random.normal(0, 15, size=3))
    if kind < 0.5:
        return np.abs(random.normal(0, 20, size=3))
    return random.uniform(0, 255, size=3)


def _opened(path: Path) -> Image.Image:
    photo = open_photo(path, at_least=(SIDE, SIDE))
    photo.thumbnail((SIDE, SIDE))
    return photo
