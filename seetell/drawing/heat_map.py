"""A word's attention as a heat map over the photo: smooth, and transparent where the model did not look."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in a photo's pixels."""

SMOOTHING = 0.55
"""Standard deviation of the Gaussian around each location of the grid, in locations: enough to hide the grid."""

COLOURS = (
    (0.0, (70, 0, 110)),
    (0.3, (165, 20, 120)),
    (0.55, (245, 80, 50)),
    (0.8, (255, 160, 30)),
    (1.0, (255, 225, 110)),
)
"""Intensities and their colours, ever lighter: they keep their order in grey and for the colour-blind."""
OPACITY = 0.8
"""At the highest intensity; it falls with it to nothing."""
LEVELS = 128
"""Intensities told apart in an image."""
UNSEEN = (0, 0, 0, 140)
"""Colour and opacity over what the model did not see of a photo."""
GROUND = 0.62
"""Brightness of the grey photo under a heat map."""


def spread(attention: np.ndarray, *, covered: Box, photo: tuple[int, int], side: int) -> np.ndarray:
    """Spread attention over a photo, each location's share like a Gaussian around its centre.

    Args:
        attention: ``(H, W)`` over what the model saw.
        covered: what it saw of the photo; may reach beyond the photo's edges.
        photo: its width and height.
        side: length wanted of the longer side; the shorter follows from the photo's proportions.

    Returns:
        ``(rows, columns)``: 1 where the model looked most, NaN where it saw nothing.
    """
    width, height = photo
    left, top, right, bottom = covered
    columns, rows = (max(1, round(side * length / max(photo))) for length in photo)
    across, seen_across = _shares(columns, (left / width, right / width), attention.shape[1])
    down, seen_down = _shares(rows, (top / height, bottom / height), attention.shape[0])
    intensity: np.ndarray = down @ attention @ across.T
    return np.where(seen_down[:, None] & seen_across, intensity / intensity.max(), np.nan)


def _shares(pixels: int, ends: tuple[float, float], locations: int) -> tuple[np.ndarray, np.ndarray]:
    """Tell what each pixel along an edge of the photo takes from each location of the grid.

    Args:
        pixels: along the edge.
        ends: where the grid begins and ends, the edge reaching from 0 to 1.
        locations: of the grid.

    Returns:
        Shares ``(pixels, locations)``, rows summing to 1, and which pixels the grid covers, ``(pixels,)`` bool.
    """
    begin, end = ends
    places = (np.arange(pixels) + 0.5) / pixels
    within = np.clip(places, begin, end)
    centres = begin + (np.arange(locations) + 0.5) / locations * (end - begin)
    deviations = (within[:, None] - centres) * locations / (end - begin) / SMOOTHING
    shares = np.exp(-0.5 * deviations**2)
    return shares / shares.sum(axis=1, keepdims=True), within == places


def heat(intensity: np.ndarray) -> Image.Image:
    """Colour what :func:`spread` gave: an image of one byte a pixel, colour and opacity in its palette."""
    levels = np.where(np.isnan(intensity), LEVELS, np.rint(intensity * (LEVELS - 1)))
    image = Image.fromarray(levels.astype(np.uint8))
    image.putpalette(_palette().tobytes(), "RGBA")
    return image


def _palette() -> np.ndarray:
    """Return red, green, blue and opacity of every level and of what was not seen, ``(LEVELS + 1, 4)`` uint8."""
    level = np.linspace(0, 1, LEVELS)
    stops = [stop for stop, _ in COLOURS]
    channels = [np.interp(level, stops, [colour[channel] for _, colour in COLOURS]) for channel in range(3)]
    palette = np.vstack([np.stack([*channels, 255 * OPACITY * level], axis=1), UNSEEN])
    return palette.round().astype(np.uint8)


def overlaid(photo: Image.Image, heat_map: Image.Image) -> Image.Image:
    """Lay a heat map over a photo in dark greys.

    Args:
        photo: RGB.
        heat_map: of any size; what :func:`heat` gave.

    Returns:
        RGB, in the photo's size.
    """
    ground = ImageEnhance.Brightness(photo.convert("L").convert("RGBA")).enhance(GROUND)
    layer = heat_map.convert("RGBA").resize(photo.size, Image.Resampling.BILINEAR)
    return Image.alpha_composite(ground, layer).convert("RGB")
