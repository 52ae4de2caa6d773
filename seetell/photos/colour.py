"""Convert pixels of any mode to 8-bit RGB: deep greys are scaled, not clipped; transparency becomes white."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from seetell.errors import PhotoError

Convert = Callable[[Image.Image], Image.Image]
"""Converts pixels of any mode to those of one: :func:`to_rgb` or :func:`to_rgba`."""

BAND_PIXELS = 2**22
"""Pixels that are converted at once, so that intermediate results of large photos take little memory."""


def is_rgb(photo: Image.Image) -> bool:
    """Return whether the pixels are 8-bit RGB already."""
    return photo.mode == "RGB" and "transparency" not in photo.info


def to_rgb(photo: Image.Image) -> Image.Image:
    """Return a copy in 8-bit RGB.

    16-bit grey is scaled so that 65535 is white. 32-bit integer and floating-point pixels have no agreed white: their
    own range is stretched from black to white.
    """
    white: tuple[float, float] | None = None
    if photo.mode.startswith("I;16") or (photo.mode == "I" and photo.format == "PNG"):
        white = 0.0, 65535.0
    elif photo.mode in ("I", "F"):
        ranges = [(float(values.min()), float(values.max())) for values in map(_values, _bands(photo))]
        white = min(low for low, _ in ranges), max(high for _, high in ranges)
    whole = None
    for top, band in zip(_tops(photo), _bands(photo), strict=True):
        converted = _coloured(band) if white is None else _grey(_values(band), *white)
        if converted.size == photo.size:
            return converted
        whole = whole or Image.new("RGB", photo.size)
        whole.paste(converted, (0, top))
    assert whole is not None
    return whole


def to_rgba(photo: Image.Image) -> Image.Image:
    """Return a copy in 8-bit RGBA, opaque where the photo has no transparency; see :func:`to_rgb` for deep greys."""
    return photo.convert("RGBA") if _has_transparency(photo) else to_rgb(photo).convert("RGBA")


def _has_transparency(photo: Image.Image) -> bool:
    return "transparency" in photo.info or photo.mode in ("RGBA", "LA", "PA", "RGBa", "La")


def _tops(photo: Image.Image) -> range:
    return range(0, photo.height, max(1, BAND_PIXELS // photo.width))


def _bands(photo: Image.Image) -> Iterator[Image.Image]:
    """Yield a photo from top to bottom in parts of its whole width."""
    tops = _tops(photo)
    for top in tops:
        whole = len(tops) == 1
        yield photo if whole else photo.crop((0, top, photo.width, min(top + tops.step, photo.height)))


def _values(photo: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(photo).astype(np.float64), posinf=0.0, neginf=0.0)


def _grey(values: np.ndarray, low: float, high: float) -> Image.Image:
    scaled = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8)).convert("RGB")


def _coloured(photo: Image.Image) -> Image.Image:
    if _has_transparency(photo):
        layer = photo.convert("RGBA")
        white = Image.new("RGB", photo.size, (255, 255, 255))
        white.paste(layer, mask=layer.getchannel("A"))
        return white
    return photo.convert("RGB")


def from_array(pixels: np.ndarray, convert: Convert = to_rgb) -> Image.Image:
    """Return an array of pixels as an RGB photo.

    Args:
        pixels: uint8, ``(H, W)`` grey, ``(H, W, 3)`` RGB or ``(H, W, 4)`` RGBA.
        convert: to RGB or RGBA.

    Raises:
        PhotoError: another type or shape, or no pixels.
    """
    grey_or_colour = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not grey_or_colour or not pixels.size:
        raise PhotoError(
            "an array photo must be uint8 and (H, W), (H, W, 3) RGB or (H, W, 4) RGBA; "
            f"got {pixels.dtype} {pixels.shape}"
        )
    return convert(Image.fromarray(np.ascontiguousarray(pixels)))
