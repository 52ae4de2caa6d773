"""Recognise pictures that are no photos: blank ones, text, charts and drawings.

What is drawn has flat areas, few colours, and edges that are either sharp or absent; a camera's picture has noise and
shades nearly everywhere. A logistic regression on such statistics of the pixels and their products tells them apart.
``scripts/everyday/fit_no_photo.py`` makes the pictures, fits and measures it and writes its coefficients,
``no_photo.json``.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import numpy as np

Kind = Literal["a blank picture", "text or a drawing"]
"""Charts, diagrams, icons and screenshots count as drawings."""

BLANK_PICTURE: Final = "a blank picture"
"""The kind of a picture that shows nothing."""

BLOCK = 8
"""Pixels of a block's side."""

FLAT_RANGE = 3
"""Largest range of grey levels in what counts as flat: JPEG leaves that much."""

EDGE, SHARP = 8, 56
"""Least difference of neighbouring grey levels that counts as an edge, and as a sharp one."""

BLANK = 0.002
"""Largest share of neighbours with an edge between them in a blank picture."""

TINY = 1e-4
"""Added to the share of edges before its logarithm is taken."""

FARTHEST = 4.0
"""Standard deviations from the mean at which statistics are cut off."""


def no_photo(pixels: np.ndarray) -> Kind | None:
    """Return what a picture is that is no photo, ``None`` for a photo.

    Args:
        pixels: ``(3, H, W)`` uint8, some 256 pixels high and wide, as encoders see pictures.
    """
    found = statistics(pixels)
    mean, scale, weights = _coefficients()
    if inputs(found, mean, scale) @ weights <= 0:
        return None
    return BLANK_PICTURE if found[NAMES.index("edges")] < np.log(BLANK + TINY) else "text or a drawing"


def inputs(found: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return what the regression takes: the standardised statistics, the products of any two of them, and 1.

    Args:
        found: ``(…, F)`` statistics.
        mean: ``(F,)`` of photos and others.
        scale: ``(F,)``, their standard deviations.

    Returns:
        ``(…, F + F(F + 1)/2 + 1)``.
    """
    standard = ((found - mean) / scale).clip(-FARTHEST, FARTHEST)
    one, other = np.triu_indices(standard.shape[-1])
    products = standard[..., one] * standard[..., other]
    return np.concatenate([standard, products, np.ones((*standard.shape[:-1], 1))], axis=-1)


def statistics(pixels: np.ndarray) -> np.ndarray:
    """Return the statistics of a picture by which it is recognised.

    Args:
        pixels: ``(3, H, W)`` uint8, some 256 pixels high and wide, as encoders see pictures.

    Returns:
        ``(F,)`` float64, in the order of :data:`NAMES`.
    """
    red, green, blue = pixels
    wide = (channel.astype(np.uint16) for channel in pixels)
    grey = (sum(weight * channel for weight, channel in zip((77, 150, 29), wide, strict=True)) >> 8).astype(np.uint8)
    neighbours = ((grey[:, 1:], grey[:, :-1]), (grey[1:], grey[:-1]))
    steps = sum(np.bincount(_apart(one, other).ravel(), minlength=256) for one, other in neighbours) / (2 * grey.size)
    edges = steps[EDGE:].sum()
    colours = (red >> 4).astype(np.uint16) << 8 | green & 0xF0 | blue >> 4
    shares = np.bincount(colours.ravel(), minlength=4096) / grey.size
    most = np.sort(np.partition(shares, -8)[-8:])[::-1]
    levels = np.bincount(grey.ravel(), minlength=256) / grey.size
    height, width = (side - side % BLOCK for side in grey.shape)
    strips = grey[:height, :width].reshape(height // BLOCK, BLOCK, width)
    highest, lowest = (reduce(strips, axis=1).reshape(len(strips), -1, BLOCK) for reduce in (np.max, np.min))
    ranges = highest.max(axis=2) - lowest.min(axis=2)
    lines = [np.ptp(grey, axis=axis) for axis in (0, 1)]
    chroma = np.ptp(pixels, axis=0)
    return np.array(
        [
            steps[0],
            steps[: FLAT_RANGE + 1].sum(),
            steps[1:EDGE].sum(),
            steps[SHARP:].sum() / (edges + 0.01),
            np.log(edges + TINY),
            most[0],
            most[:2].sum(),
            most.sum(),
            np.log(np.count_nonzero(shares > 2e-4)),
            _entropy(shares),
            _entropy(levels),
            levels.max(),
            levels[[0, 1, 2, 3, 252, 253, 254, 255]].sum(),
            (ranges <= FLAT_RANGE).mean(),
            ((ranges > FLAT_RANGE) & (ranges < 32)).mean(),
            np.log1p(np.median(ranges)),
            sum((line <= FLAT_RANGE).mean() for line in lines),
            np.log1p(chroma.mean()),
            (chroma < 8).mean(),
        ]
    )


NAMES = (
    "equal neighbours",
    "flat neighbours",
    "shaded neighbours",
    "sharp edges",
    "edges",
    "first colour",
    "two colours",
    "eight colours",
    "number of colours",
    "entropy of colours",
    "entropy of grey levels",
    "first grey level",
    "black and white",
    "flat blocks",
    "shaded blocks",
    "range of blocks",
    "flat rows and columns",
    "saturation",
    "grey",
)
"""Names of the statistics."""


def _apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the distance of grey levels, uint8."""
    distance: np.ndarray = np.maximum(one, other) - np.minimum(one, other)
    return distance


def _entropy(shares: np.ndarray) -> float:
    """Return the entropy of a distribution in bits."""
    present = shares[shares > 0]
    return float(-(present * np.log2(present)).sum())


@cache
def _coefficients() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and scale of the statistics ``(F,)``, and the regression's weights."""
    content = json.loads((files("seetell.photos") / "no_photo.json").read_text(encoding="utf-8"))
    assert content["statistics"] == list(NAMES)
    return np.array(content["mean"]), np.array(content["scale"]), np.array(content["weights"])
