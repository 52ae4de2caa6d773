"""How like one picture is to another: PSNR and SSIM.

Wang, Bovik, Sheikh, Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP
2004, whose structural similarity is measured as in its section III.C.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from seetell.errors import DataError

Picture = npt.NDArray[np.floating]

WINDOW, DEVIATION = 11, 1.5
"""Side and standard deviation of the Gaussian window, in pixels."""

C1, C2 = 0.01**2, 0.03**2
"""What keeps the denominators from 0, for values from 0 to 1."""


def psnr(one: Picture, other: Picture) -> float:
    """Return the peak signal-to-noise ratio, ``−10 log₁₀`` of the mean squared difference, in dB.

    Args:
        one: ``(H, W, 3)``, values from 0 to 1.
        other: the same.

    Returns:
        Infinity for equal pictures.
    """
    error = float(np.mean((np.asarray(one, np.float64) - other) ** 2))
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim(one: Picture, other: Picture) -> float:
    """Return the mean structural similarity over all windows that lie within the pictures, and over colours.

    Args:
        one: ``(H, W, 3)``, values from 0 to 1.
        other: the same.

    Returns:
        1 for equal pictures.

    Raises:
        DataError: the pictures have different sizes, or less than 11 pixels on a side.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.shape != other.shape or min(one.shape[:2]) < WINDOW:
        raise DataError(
            f"SSIM: expected pictures of one size, at least {WINDOW}×{WINDOW}, got "
            f"{one.shape[1]}×{one.shape[0]} and {other.shape[1]}×{other.shape[0]}"
        )
    mean, other_mean = _blurred(one), _blurred(other)
    variance, other_variance = _blurred(one**2) - mean**2, _blurred(other**2) - other_mean**2
    covariance = _blurred(one * other) - mean * other_mean
    alike = (2 * mean * other_mean + C1) * (2 * covariance + C2)
    return float(np.mean(alike / ((mean**2 + other_mean**2 + C1) * (variance + other_variance + C2))))


def _blurred(picture: Picture) -> Picture:
    """Return weighted means over windows, ``(H − 10, W − 10, 3)``."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * DEVIATION**2))
    weights /= weights.sum()
    for axis in (0, 1):
        windows = np.lib.stride_tricks.sliding_window_view(picture, WINDOW, axis=axis)
        picture = windows @ weights
    return picture
