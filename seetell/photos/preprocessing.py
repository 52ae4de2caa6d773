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
        scales = width / photo.width, height / photo.height
        if self.fit == "crop":
            scale = max(scales)
            box_width, box_height = width / scale, height / scale
            left, top = (photo.width - box_width) / 2, (photo.height - box_height) / 2
            box = (
                max(left, 0.0),
                max(top, 0.0),
                min(left + box_width, photo.width),
                min(top + box_height, photo.height),
            )
            return np.asarray(photo.resize((width, height), resample, box=box))
        scale = min(scales)
        inner = max(1, round(photo.width * scale)), max(1, round(photo.height * scale))
        canvas = Image.new("RGB", (width, height), tuple(round(value) for value in self.mean))
        canvas.paste(photo.resize(inner, resample), ((width - inner[0]) // 2, (height - inner[1]) // 2))
        return np.asarray(canvas)

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
