"""From a map of how likely text is to the lines that it shows: connected parts, each enlarged to the line around it.

Liao et al. (AAAI 2020), section 3.4, in numpy. Departure: a line is the rectangle along its core's principal axis, for
a core is nothing but a line that was shrunk.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seetell.tasks.text_detection.shrinking import grown

LEAST_CORE = 6
"""Cells of the smallest core that is taken for text."""

THIN = 0.25
"""Cells that a core reaches to either side at least."""

SQUARE = 1.6
"""Cores less elongated than this are taken to be upright."""


class FoundLines(NamedTuple):
    """Lines that were found.

    Attributes:
        corners: ``(N, 4, 2)`` xy, from the top left one clockwise as the text is read.
        scores: mean probability of each core, ``(N,)``.
    """

    corners: np.ndarray
    scores: np.ndarray


class Runs(NamedTuple):
    """Neighbouring cells of a row, as many as belong together: each ``(M,)``.

    Attributes:
        rows: of the runs.
        starts: first columns.
        ends: columns behind the last ones.
        labels: numbers of the connected parts that they belong to, from 0 on.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    labels: np.ndarray


def connected_runs(mask: np.ndarray) -> Runs:
    """Return the connected parts of a mask ``(h, w)``, cells that touch at corners being connected, too."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    pitch = width + 2
    below = (rows + 1) * pitch
    first = np.searchsorted(rows * pitch + ends, below + starts, side="left")
    last = np.searchsorted(rows * pitch + starts, below + ends, side="right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    lower = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    labels = np.arange(len(rows))
    while True:
        before = labels.copy()
        least = np.minimum(labels[upper], labels[lower])
        np.minimum.at(labels, labels[upper], least)
        np.minimum.at(labels, labels[lower], least)
        labels = labels[labels]
        if np.array_equal(labels, before):
            break
    return Runs(rows, starts, ends, np.unique(labels, return_inverse=True)[1].reshape(-1))


def find_lines(probabilities: np.ndarray, *, threshold: float, least_score: float) -> FoundLines:
    """Return the lines of a map.

    Args:
        probabilities: of text, ``(h, w)``.
        threshold: probability from which a cell belongs to a core.
        least_score: mean probability of a core, from 0 to 1; others are left out.

    Returns:
        Lines in cells of the map, in no order.
    """
    runs = connected_runs(probabilities > threshold)
    if not len(runs.rows):
        return FoundLines(np.zeros((0, 4, 2)), np.zeros(0))
    lengths = (runs.ends - runs.starts).astype(float)
    summed = np.concatenate([[0.0], probabilities.ravel().cumsum(dtype=float)])
    row_starts = runs.rows * probabilities.shape[1]
    mass = summed[row_starts + runs.ends] - summed[row_starts + runs.starts]
    count, total = (np.bincount(runs.labels, each) for each in (lengths, mass))
    kept = (count >= LEAST_CORE) & (total >= least_score * count)
    centres, axes = _principal_axes(runs, lengths, count)
    low, high = _extents(runs, centres, axes)
    # cells whose centre lies on the edge of a core belong to it, so that it reaches from centre to centre
    corners = _rectangles(centres, axes, *grown(np.minimum(low, -THIN), np.maximum(high, THIN)))[kept]
    return FoundLines(corners, (total / count)[kept])


def _principal_axes(runs: Runs, lengths: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre of each part, and the unit vector along it, which points to the right: each ``(N, 2)`` xy."""

    def mean(values: np.ndarray) -> np.ndarray:
        averaged: np.ndarray = np.bincount(runs.labels, values) / count
        return averaged

    middles, rows = (runs.starts + runs.ends - 1) / 2, runs.rows.astype(float)
    x, y = mean(lengths * middles), mean(lengths * rows)
    across, down = middles - x[runs.labels], rows - y[runs.labels]
    xx = mean(lengths * (across**2 + (lengths**2 - 1) / 12))
    yy, xy = mean(lengths * down**2), mean(lengths * across * down)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    spread = np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    centre = (xx + yy) / 2
    elongated = np.sqrt((centre + spread + 0.1) / np.maximum(centre - spread + 0.1, 1e-6)) > SQUARE
    upright = (
        np.abs(angle) > np.pi / 4
    )  # text that runs up or down, or letters higher than wide, is cut out as it stands
    angle = np.where(elongated & ~upright, angle, 0.0)
    return np.stack([x, y], axis=1), np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _extents(runs: Runs, centres: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far each part reaches along its axis and across it, on both sides of its centre: each ``(N, 2)``."""
    low, high = np.full((len(centres), 2), np.inf), np.full((len(centres), 2), -np.inf)
    along = axes[runs.labels]
    for columns in (runs.starts, runs.ends - 1):
        away = np.stack([columns, runs.rows], axis=1) - centres[runs.labels]
        reach = np.stack([(away * along).sum(axis=1), away[:, 1] * along[:, 0] - away[:, 0] * along[:, 1]], axis=1)
        np.minimum.at(low, runs.labels, reach)
        np.maximum.at(high, runs.labels, reach)
    return low, high


def _rectangles(centres: np.ndarray, axes: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the corners ``(N, 4, 2)`` of rectangles around centres."""
    across = np.stack([-axes[:, 1], axes[:, 0]], axis=1)
    sides = [(low, low), (high, low), (high, high), (low, high)]
    return np.stack([centres + first[:, :1] * axes + second[:, 1:] * across for first, second in sides], axis=1)
