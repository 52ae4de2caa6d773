"""How right a map is: pointing game, energy in the boxes, deletion and insertion.

- Pointing game (Zhang et al., "Top-down Neural Attention by Excitation Backprop", ECCV 2016): whether the highest place
  of the map is in a box of the thing. Departure: no margin around boxes.
- Energy-based pointing game (Wang et al., "Score-CAM", CVPR workshops 2020): the share of what speaks for the thing
  that lies in its boxes.
- Deletion and insertion (Petsiuk, Das & Saenko, "RISE", BMVC 2018): how fast the score falls when the image is blurred
  beginning with the most important places, and how fast it rises when a blurred image is made clear in that order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from seetell.explain.explained import Score
from seetell.explain.occlusion import BATCH, BLUR
from seetell.geometry.boxes import Box
from seetell.results import HeatMap

CELLS = 16
"""Rows and columns at most of a map as it is judged, so that maps of single pixels are as coarse as others."""

STEPS = 8
"""Of deletion and insertion."""


def points_into(heat_map: HeatMap, boxes: Sequence[Box]) -> bool:
    """Return whether the highest cell of a map is centred in one of some boxes, ``xyxy`` in pixels of the image."""
    values = heat_map.averaged(CELLS)
    row, column = np.unravel_index(values.argmax(), values.shape)
    x, y = _centres(heat_map, values.shape)
    return any(left <= x[column] <= right and top <= y[row] <= bottom for left, top, right, bottom in boxes)


def energy_in(heat_map: HeatMap, boxes: Sequence[Box]) -> float:
    """Return the share of a map's positive part in the cells centred in some boxes; 0 where nothing is positive."""
    values = np.maximum(heat_map.averaged(CELLS), 0)
    x, y = _centres(heat_map, values.shape)
    inside = np.zeros(values.shape, bool)
    for left, top, right, bottom in boxes:
        inside |= ((y >= top) & (y <= bottom))[:, None] & (x >= left) & (x <= right)
    return float(values[inside].sum() / (values.sum() or 1))


def deletion_and_insertion(
    score: Score, image: Image.Image, heat_map: HeatMap, target: int, *, steps: int = STEPS
) -> tuple[float, float]:
    """Return the mean probability of a target along deletion, lower being better, and along insertion, higher.

    Args:
        score: of log-probabilities; see :data:`~seetell.explain.explained.Score`.
        image: RGB, of the size that the map's box is in.
        heat_map: whose order of cells is followed.
        target: its column among the scores.
        steps: images of each curve between the first and the last, which both have.
    """
    values = heat_map.averaged(CELLS)
    ranks = np.empty(values.size, int)
    ranks[np.argsort(-values, axis=None, kind="stable")] = np.arange(values.size)
    x, y = _cells_of_pixels(heat_map, values.shape, image.size)
    rank = ranks.reshape(values.shape)[y[:, None], x] / values.size  # (H, W) in [0, 1), 0 the most important
    clear, blurred = np.asarray(image), np.asarray(image.filter(ImageFilter.GaussianBlur(BLUR * max(image.size))))
    shares = np.linspace(0, 1, steps + 2)
    deleted = [np.where((rank < share)[..., None], blurred, clear) for share in shares]
    inserted = [np.where((rank < share)[..., None], clear, blurred) for share in shares[1:-1]]
    copies = [*deleted, *inserted]
    scores = np.concatenate([score(copies[start : start + BATCH]) for start in range(0, len(copies), BATCH)])
    probabilities = np.exp(scores[:, target])
    deletion = probabilities[: steps + 2]
    insertion = np.concatenate([deletion[-1:], probabilities[steps + 2 :], deletion[:1]])
    return _area(deletion), _area(insertion)


def _area(curve: np.ndarray) -> float:
    """Return the area under a curve over [0, 1] by the trapezoidal rule."""
    return float((curve[:-1] + curve[1:]).mean() / 2)


def _centres(heat_map: HeatMap, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of the columns and of the rows of a map, in pixels of the image."""
    left, top, right, bottom = heat_map.box
    rows, columns = shape
    x = left + (np.arange(columns) + 0.5) / columns * (right - left)
    y = top + (np.arange(rows) + 0.5) / rows * (bottom - top)
    return x, y


def _cells_of_pixels(heat_map: HeatMap, shape: tuple[int, ...], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the column and the row of the map in which each column and row of pixels is; outside, the nearest."""
    left, top, right, bottom = heat_map.box
    rows, columns = shape
    x = ((np.arange(size[0]) + 0.5 - left) / (right - left) * columns).astype(int).clip(0, columns - 1)
    y = ((np.arange(size[1]) + 0.5 - top) / (bottom - top) * rows).astype(int).clip(0, rows - 1)
    return x, y
