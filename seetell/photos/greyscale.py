"""Whether a photo is black and white."""

from __future__ import annotations

import numpy as np

COLOURED = 20
"""Difference between the strongest and the weakest channel, of 255, above which a pixel has a colour."""

MAX_SHARE = 0.01
"""Of coloured pixels in a photo that is black and white: a thing before a white wall may fill little of a photo."""


def is_greyscale(pixels: np.ndarray) -> bool:
    """Return whether a photo has shades of grey, rather than colours.

    Args:
        pixels: ``(H, W, 3)`` uint8.
    """
    return bool((np.ptp(pixels, axis=2) > COLOURED).mean() <= MAX_SHARE)
