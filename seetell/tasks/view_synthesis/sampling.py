"""Where along a ray the field is asked: stratified samples, then more where the first found something.

Mildenhall et al., "NeRF: Representing Scenes as Neural Radiance Fields for View Synthesis", ECCV 2020, equations 2 and
3 and section 5.2. Distances are chosen without gradients, so that training and prediction share these functions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]

LEAST = 1e-5
"""Added to every weight, so that each part of a ray may be drawn."""


def stratified(near: Array, far: Array, shares: Array) -> Array:
    """Return one distance in each of ``S`` equal parts of rays (equation 2).

    Args:
        near: where the rays begin to be looked at, ``(N,)``.
        far: where they end, ``(N,)``.
        shares: where in its part each lies, ``(N, S)`` from 0 to 1, or one number for all: 0.5 for the middles.

    Returns:
        ``(N, S)``, rising.
    """
    parts = shares.shape[1]
    places = (np.arange(parts, dtype=np.float32) + shares) / parts
    distances: Array = (near[:, None] + (far - near)[:, None] * places).astype(np.float32)
    return distances


def by_weight(edges: Array, weights: Array, shares: Array) -> Array:
    """Draw distances by a density that is constant between edges, by the inverse of its distribution (section 5.2).

    Args:
        edges: rising, ``(N, S + 1)``.
        weights: of the intervals between them, ``(N, S)``, not negative.
        shares: values of the distribution function, ``(N, F)`` from 0 to 1, rising along the rays.

    Returns:
        ``(N, F)``, rising.
    """
    mass = weights + LEAST
    steps = np.cumsum(mass, axis=1, dtype=np.float64)
    reached = np.concatenate([np.zeros_like(steps[:, :1]), steps / steps[:, -1:]], axis=1)
    # one search for all rays: each ray's distribution is moved to an interval of its own
    rays = np.arange(len(edges))[:, None]
    places = np.searchsorted((reached + 2 * rays).ravel(), (shares + 2 * rays).ravel(), side="right")
    below = np.clip(places.reshape(shares.shape) - rays * reached.shape[1] - 1, 0, weights.shape[1] - 1)
    start, end = np.take_along_axis(reached, below, 1), np.take_along_axis(reached, below + 1, 1)
    left, right = np.take_along_axis(edges, below, 1), np.take_along_axis(edges, below + 1, 1)
    within = np.clip((shares - start) / np.maximum(end - start, 1e-12), 0, 1)
    drawn: Array = (left + (right - left) * within).astype(np.float32)
    return drawn


def refined(distances: Array, weights: Array, shares: Array) -> Array:
    """Return distances and more of them where their weights are great, all rising.

    As in the authors' code, the edges are the middles between the distances, and the weights those of the distances
    between two edges.

    Args:
        distances: rising, ``(N, S)``, at least three.
        weights: of the colours there, ``(N, S)``.
        shares: see :func:`by_weight`, ``(N, F)``.

    Returns:
        ``(N, S + F)``.
    """
    middles = (distances[:, 1:] + distances[:, :-1]) / 2
    drawn = by_weight(middles, weights[:, 1:-1], shares)
    return np.sort(np.concatenate([distances, drawn], axis=1), axis=1)


def intervals(distances: Array, far: Array) -> Array:
    """Return the length of ray that each sample stands for, ``δ_i = t_{i+1} − t_i`` (equation 3).

    Args:
        distances: rising, ``(N, S)``.
        far: where the last interval of each ray ends, ``(N,)``.
    """
    return np.diff(distances, axis=1, append=far[:, None].astype(np.float32))
