"""Whether a photo is black and white."""

from __future__ import annotations

import numpy as np

GREY = 8.0
"""Mean difference between the strongest and the weakest channel, of 255, up to which a photo has no colours. Nearly all
that people call black and white have none, and a fiftieth of all others less."""


def is_greyscale(pixels: np.ndarray) -> bool:
    """Return whether a photo has shades of grey, rather than colours.

    Args:
        pixels: ``(H, W, 3)`` uint8.
    """
    darkest, brightest = pixels.min(axis=2), pixels.max(axis=2)
    return bool((brightest - darkest).mean() <= GREY)
