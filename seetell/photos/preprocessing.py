"""From an opened photo to the numbers an encoder takes. Travels with the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from seetell.errors import BundleError, unknown

Fit = Literal["squash", "crop", "pad"]
Resample = Literal["bilinear", "bicubic"]
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become an encoder's input.

    Attributes:
        height: rows of the input.
        width: columns of the input.
        fit: ``squash`` ignores the photo's proportions, ``crop`` keeps the centre, ``pad`` adds borders
            of the mean colour.
        resample: the interpolation filter.
        mean: per channel, on the 0–255 scale, subtracted first.
        std: per channel, on the 0–255 scale, divided by afterwards.
    """

    height: int
    width: int
    fit: Fit = "squash"
    resample: Resample = "bicubic"
    mean: tuple[float, float, float] = (127.0, 127.0, 127.0)
    std: tuple[float, float, float] = (128.0, 128.0, 128.0)

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise BundleError(f"preprocessing: size must be positive, got {self.height}×{self.width}")
        if self.fit not in get_args(Fit):
            raise BundleError(f"preprocessing: {unknown('fit', self.fit, get_args(Fit))}")
        if self.resample not in _FILTERS:
            raise BundleError(f"preprocessing: {unknown('resample', self.resample, _FILTERS)}")
        for field in ("mean", "std"):
            values = tuple(float(value) for value in getattr(self, field))
            if len(values) != 3:
                raise BundleError(f"preprocessing: {field} takes three numbers, got {len(values)}")
            object.__setattr__(self, field, values)
        if min(self.std) <= 0:
            raise BundleError(f"preprocessing: std must be positive, got {self.std}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return asdict(self)

    def fitted(self, photo: Image.Image, *, height: int | None = None, width: int | None = None) -> np.ndarray:
        """Resize a photo to the input size, or to another size by the same rules.

        Args:
            photo: RGB.
            height: rows wanted; the input's when absent.
            width: columns wanted; the input's when absent.

        Returns:
            ``(height, width, 3)`` uint8.
        """
        height, width = height or self.height, width or self.width
        resample = _FILTERS[self.resample]
        if self.fit == "squash":
            return np.asarray(photo.resize((width, height), resample))
        if self.fit == "crop":
            box = _centre(photo.size, (width, height))
            return np.asarray(photo.resize((width, height), resample, box=box))
        left, top, right, bottom = _inside(photo.size, (width, height))
        canvas = Image.new("RGB", (width, height), tuple(round(value) for value in self.mean))
        canvas.paste(photo.resize((right - left, bottom - top), resample), (left, top))
        return np.asarray(canvas)

    def covered(self, photo: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return which part of a photo the input shows: what lies in a place of the input lies there in this box.

        Args:
            photo: its width and height.

        Returns:
            Left, top, right and bottom in the photo's pixels: all of it for ``squash``, less for ``crop``, and for
            ``pad`` more, beyond its edges.
        """
        width, height = photo
        if self.fit == "squash":
            return 0.0, 0.0, float(width), float(height)
        if self.fit == "crop":
            return _centre(photo, (self.width, self.height))
        left, top, right, bottom = _inside(photo, (self.width, self.height))
        across, down = width / (right - left), height / (bottom - top)
        return -left * across, -top * down, (self.width - left) * across, (self.height - top) * down

    def normalised(self, pixels: np.ndarray) -> np.ndarray:
        """Scale pixels to the encoder's range.

        Args:
            pixels: ``(..., H, W, 3)`` uint8.

        Returns:
            ``(..., 3, H, W)`` float32, contiguous.
        """
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        scaled = pixels.astype(np.float32) * (1 / std) - mean / std
        return np.ascontiguousarray(np.moveaxis(scaled, -1, -3))

    def __call__(self, photo: Image.Image) -> np.ndarray:
        """Return ``(3, height, width)`` float32 for an RGB photo."""
        return self.normalised(self.fitted(photo))


def _centre(photo: tuple[int, int], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return the largest box in the middle of a photo that has the proportions of a size."""
    (photo_width, photo_height), (width, height) = photo, size
    scale = max(width / photo_width, height / photo_height)
    box_width, box_height = width / scale, height / scale
    left, top = (photo_width - box_width) / 2, (photo_height - box_height) / 2
    return max(left, 0.0), max(top, 0.0), min(left + box_width, photo_width), min(top + box_height, photo_height)


def _inside(photo: tuple[int, int], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return where a photo lies that is shrunk or enlarged to fit into the middle of a size."""
    (photo_width, photo_height), (width, height) = photo, size
    scale = min(width / photo_width, height / photo_height)
    inner_width, inner_height = max(1, round(photo_width * scale)), max(1, round(photo_height * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return left, top, left + inner_width, top + inner_height
