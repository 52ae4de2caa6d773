"""Convert pixels of any mode to 8-bit RGB: deep greys are scaled, not clipped; transparency becomes white."""

from __future__ import annotations

import numpy as np
from PIL import Image

from seetell.errors import PhotoError


def to_rgb(photo: Image.Image) -> Image.Image:
    """Return a copy in 8-bit RGB.

    16-bit grey is scaled so that 65535 is white. 32-bit integer and floating-point pixels have no agreed white: their
    own range is stretched from black to white.
    """
    if photo.mode.startswith("I;16") or (photo.mode == "I" and photo.format == "PNG"):
        grey = np.asarray(photo).astype(np.float32) / 257.0
        return _grey(np.clip(np.rint(grey), 0, 255))
    if photo.mode in ("I", "F"):
        grey = np.nan_to_num(np.asarray(photo).astype(np.float64), posinf=0.0, neginf=0.0)
        low, high = float(grey.min()), float(grey.max())
        return _grey(np.rint((grey - low) * (255.0 / (high - low)))) if high > low else _grey(np.zeros_like(grey))
    if "transparency" in photo.info or photo.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
        layer = photo.convert("RGBA")
        white = Image.new("RGB", photo.size, (255, 255, 255))
        white.paste(layer, mask=layer.getchannel("A"))
        return white
    return photo.convert("RGB")


def _grey(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")


def from_array(pixels: np.ndarray) -> Image.Image:
    """Return an array of pixels as an RGB photo.

    Args:
        pixels: uint8, ``(H, W)`` grey, ``(H, W, 3)`` RGB or ``(H, W, 4)`` RGBA.

    Raises:
        PhotoError: another type or shape, or no pixels.
    """
    grey_or_colour = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not grey_or_colour or not pixels.size:
        raise PhotoError(
            "an array photo must be uint8 and (H, W), (H, W, 3) RGB or (H, W, 4) RGBA; "
            f"got {pixels.dtype} {pixels.shape}"
        )
    return to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))
