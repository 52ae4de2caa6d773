"""A word's attention as a heat map over the photo: smooth, and transparent where there is none."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from seetell.geometry.boxes import Box

SMOOTHING = 0.55
"""Standard deviation of the Gaussian around each grid location, in locations: enough to hide the grid."""

COLOURS = (
    (0.0, (70, 0, 110)),
    (0.3, (165, 20, 120)),
    (0.55, (245, 80, 50)),
    (0.8, (255, 160, 30)),
    (1.0, (255, 225, 110)),
)
"""Colour map with increasing lightness: its order is kept in grey and for colour-blind people."""
OPACITY = 0.8
"""At the highest intensity; proportional to it."""
LEVELS = 128
"""Intensity levels of an image."""
UNSEEN = (0, 0, 0, 140)
"""Colour and opacity outside the part of the photo that the model sees."""
GROUND = 0.62
"""Brightness of the grey photo under a heat map."""


def upsample_attention(attention: np.ndarray, *, visible_box: Box, photo: tuple[int, int], side: int) -> np.ndarray:
    """Upsample attention to pixels, each location's weight spread like a Gaussian around its centre.

    Args:
        attention: ``(H, W)`` over the visible box.
        visible_box: the part of the photo that the model sees, in its pixels; may extend beyond the photo.
        photo: its width and height.
        side: longer side of the result in pixels; the shorter follows from the photo's proportions.

    Returns:
        ``(rows, columns)``: scaled to a maximum of 1, NaN outside the visible box.
    """
    width, height = photo
    left, top, right, bottom = visible_box
    columns, rows = (max(1, round(side * length / max(photo))) for length in photo)
    across, seen_across = _weights(columns, (left / width, right / width), attention.shape[1])
    down, seen_down = _weights(rows, (top / height, bottom / height), attention.shape[0])
    intensity: np.ndarray = down @ attention @ across.T
    return np.where(seen_down[:, None] & seen_across, intensity / intensity.max(), np.nan)


def _weights(pixels: int, ends: tuple[float, float], locations: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how each pixel along an edge of the photo is interpolated from the locations of the grid.

    Args:
        pixels: along the edge.
        ends: start and end of the grid, the edge normalised to [0, 1].
        locations: of the grid.

    Returns:
        Weights ``(pixels, locations)``, rows summing to 1, and which pixels the grid covers, ``(pixels,)`` bool.
    """
    start, end = ends
    positions = (np.arange(pixels) + 0.5) / pixels
    within = np.clip(positions, start, end)
    centres = start + (np.arange(locations) + 0.5) / locations * (end - start)
    deviations = (within[:, None] - centres) * locations / (end - start) / SMOOTHING
    weights = np.exp(-0.5 * deviations**2)
    return weights / weights.sum(axis=1, keepdims=True), within == positions


def colourise(intensity: np.ndarray) -> Image.Image:
    """Apply the colour map to the result of :func:`upsample_attention`: an image of one byte per pixel, mode ``P``."""
    levels = np.where(np.isnan(intensity), LEVELS, np.rint(intensity * (LEVELS - 1)))
    image = Image.fromarray(levels.astype(np.uint8))
    image.putpalette(_palette().tobytes(), "RGBA")
    return image


def _palette() -> np.ndarray:
    """Return red, green, blue and opacity of every level and of what is not seen, ``(LEVELS + 1, 4)`` uint8."""
    level = np.linspace(0, 1, LEVELS)
    stops = [stop for stop, _ in COLOURS]
    channels = [np.interp(level, stops, [colour[channel] for _, colour in COLOURS]) for channel in range(3)]
    palette = np.vstack([np.stack([*channels, 255 * OPACITY * level], axis=1), UNSEEN])
    return palette.round().astype(np.uint8)


def overlay(photo: Image.Image, heat_map: Image.Image) -> Image.Image:
    """Lay a heat map over a photo in dark greys.

    Args:
        photo: RGB.
        heat_map: of any size, from :func:`colourise`.

    Returns:
        RGB, in the photo's size.
    """
    ground = ImageEnhance.Brightness(photo.convert("L").convert("RGBA")).enhance(GROUND)
    layer = heat_map.convert("RGBA").resize(photo.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(ground, layer).convert("RGB")
