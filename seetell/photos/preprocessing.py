"""Preprocessing: from an opened photo to an encoder's input. Stored with the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from seetell.errors import BundleError, unknown

MAX_SIDE = 4096
"""Pixels of the longest side of an encoder's input."""

Fit = Literal["squash", "crop", "pad"]
Resample = Literal["bilinear", "bicubic"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_REDUCING_GAP = 1.5
"""A photo that is several times as large as the input is first shrunk, by averages of whole pixels, to no less than so
many times its size, and only then resampled: that takes a third of the time."""


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become an encoder's input.

    Attributes:
        height: rows of the input.
        width: columns of the input.
        fit: ``squash`` ignores the photo's aspect ratio, ``crop`` keeps the centre, ``pad`` adds borders
            of the mean colour.
        resample: the interpolation filter.
        mean: of each channel, on the 0–255 scale, subtracted first.
        std: of each channel, on the 0–255 scale, divided by afterwards.
    """

    height: int
    width: int
    fit: Fit = "squash"
    resample: Resample = "bicubic"
    mean: tuple[float, float, float] = (127.0, 127.0, 127.0)
    std: tuple[float, float, float] = (128.0, 128.0, 128.0)

    def __post_init__(self) -> None:
        size = self.height, self.width
        if not all(type(side) is int and 1 <= side <= MAX_SIDE for side in size):
            raise BundleError(f"preprocessing: size must be positive, whole and at most {MAX_SIDE}, got {size}")
        if self.fit not in get_args(Fit):
            raise BundleError(f"preprocessing: {unknown('fit', self.fit, get_args(Fit))}")
        if self.resample not in _FILTERS:
            raise BundleError(f"preprocessing: {unknown('resample', self.resample, _FILTERS)}")
        for field in ("mean", "std"):
            values = tuple(float(value) for value in getattr(self, field))
            if len(values) != 3 or not np.isfinite(values).all():
                raise BundleError(f"preprocessing: {field} takes three numbers, got {values}")
            object.__setattr__(self, field, values)
        if min(self.std) <= 0:
            raise BundleError(f"preprocessing: std must be positive, got {self.std}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)

    def resize(self, photo: Image.Image, *, height: int | None = None, width: int | None = None) -> np.ndarray:
        """Resize a photo to the input size, or to another size in the same way.

        Args:
            photo: RGB.
            height: rows; the input's by default.
            width: columns; the input's by default.

        Returns:
            ``(height, width, 3)`` uint8.
        """
        height, width = height or self.height, width or self.width
        resample = _FILTERS[self.resample]
        if self.fit == "squash":
            return np.asarray(photo.resize((width, height), resample, reducing_gap=_REDUCING_GAP))
        if self.fit == "crop":
            box = _centre(photo.size, (width, height))
            return np.asarray(photo.resize((width, height), resample, box=box, reducing_gap=_REDUCING_GAP))
        left, top, right, bottom = _inside(photo.size, (width, height))
        canvas = Image.new("RGB", (width, height), tuple(round(value) for value in self.mean))
        inside = photo.resize((right - left, bottom - top), resample, reducing_gap=_REDUCING_GAP)
        canvas.paste(inside, (left, top))
        return np.asarray(canvas)

    def visible_box(self, photo: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the part of a photo that the input shows; positions in the input map linearly onto this box.

        Args:
            photo: its width and height.

        Returns:
            ``xyxy`` in pixels of the photo: the whole photo for ``squash``, less for ``crop``, and more, beyond its
            edges, for ``pad``.
        """
        width, height = photo
        if self.fit == "squash":
            return 0.0, 0.0, float(width), float(height)
        if self.fit == "crop":
            return _centre(photo, (self.width, self.height))
        left, top, right, bottom = _inside(photo, (self.width, self.height))
        across, down = width / (right - left), height / (bottom - top)
        return -left * across, -top * down, (self.width - left) * across, (self.height - top) * down

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """Scale pixels to the encoder's range.

        Args:
            pixels: ``(..., H, W, 3)`` uint8.

        Returns:
            ``(..., 3, H, W)`` float32, contiguous.
        """
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.std))
        scaled: np.ndarray = np.moveaxis(pixels, -1, -3).astype(np.float32, order="C")
        scaled *= 1 / std
        scaled -= mean / std
        return scaled

    def restore(self, inputs: np.ndarray) -> np.ndarray:
        """Return the pixels that :meth:`normalise` made inputs of.

        Args:
            inputs: ``(..., 3, H, W)`` float32.

        Returns:
            ``(..., 3, H, W)`` uint8.
        """
        mean, std = (np.array(values, np.float32)[:, None, None] for values in (self.mean, self.std))
        pixels = inputs * std
        pixels += mean + 0.5
        return pixels.astype(np.uint8)

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """Return ``(3, height, width)`` float32 for an RGB photo."""
        return self.normalise(self.resize(photo))


def largest(preprocessings: Sequence[Preprocessing]) -> tuple[int, int]:
    """Return the greatest width and the greatest height of some inputs: what a photo is decoded for."""
    return max(way.width for way in preprocessings), max(way.height for way in preprocessings)


def _centre(photo: tuple[int, int], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the largest centred box of a photo that has the aspect ratio of a size."""
    (photo_width, photo_height), (width, height) = photo, size
    scale = max(width / photo_width, height / photo_height)
    box_width, box_height = width / scale, height / scale
    left, top = (photo_width - box_width) / 2, (photo_height - box_height) / 2
    return max(left, 0.0), max(top, 0.0), min(left + box_width, photo_width), min(top + box_height, photo_height)


def _inside(photo: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box of a photo scaled to fit into the centre of a size."""
    (photo_width, photo_height), (width, height) = photo, size
    scale = min(width / photo_width, height / photo_height)
    inner_width, inner_height = max(1, round(photo_width * scale)), max(1, round(photo_height * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return left, top, left + inner_width, top + inner_height
