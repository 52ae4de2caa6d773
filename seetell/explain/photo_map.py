"""A map of photos: near one another where the last layer sees them alike, by PCA or t-SNE; and nearest neighbours.

Principal components (Pearson 1901) by a singular value decomposition, and t-SNE (van der Maaten & Hinton, "Visualizing
Data using t-SNE", JMLR 2008), exact, in numpy: for some hundred photos, which is what a map can show.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

PERPLEXITY = 15.0
EARLY, EXAGGERATION = 100, 4.0
"""First steps of t-SNE, in which similarities are exaggerated (section 3.4)."""


def principal_components(vectors: np.ndarray, count: int = 2) -> np.ndarray:
    """Return the coordinates of vectors ``(N, D)`` along their first principal components, ``(N, count)``.

    The sign of each is such that its largest coordinate is positive.
    """
    centred = vectors - vectors.mean(axis=0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    places = left[:, :count] * scale[:count]
    signs: np.ndarray = np.sign(places[np.abs(places).argmax(axis=0), np.arange(places.shape[1])])
    return np.asarray(places * np.where(signs == 0, 1, signs))


def similarities(vectors: np.ndarray, *, perplexity: float = PERPLEXITY) -> np.ndarray:
    """Return t-SNE's joint probabilities ``p_ij`` of vectors ``(N, D)``, ``(N, N)`` summing to 1 (equation 12 there).

    Each point's bandwidth is found by bisection such that its conditional distribution has the perplexity, at most a
    third of the other points.
    """
    count = len(vectors)
    distances = _squared_distances(vectors)
    wanted = np.log(min(perplexity, max(1.0, (count - 1) / 3)))
    low, high = np.zeros(count), np.full(count, np.inf)
    precision = 1 / np.maximum(distances.sum(axis=1) / max(1, count - 1), 1e-12)
    np.fill_diagonal(distances, np.inf)
    shifted = distances - distances.min(axis=1, keepdims=True)
    for _ in range(60):
        weights = np.exp(-shifted * precision[:, None])
        conditional = weights / weights.sum(axis=1, keepdims=True)
        logs = np.log(conditional, where=conditional > 0, out=np.zeros_like(conditional))
        flat = -(conditional * logs).sum(axis=1) > wanted
        low, high = np.where(flat, precision, low), np.where(flat, high, precision)
        precision = np.where(np.isinf(high), precision * 2, (low + high) / 2)
    return np.asarray((conditional + conditional.T) / (2 * count))


def tsne(vectors: np.ndarray, *, perplexity: float = PERPLEXITY, steps: int = 400, seed: int = 0) -> np.ndarray:
    """Return a map of vectors ``(N, D)`` in the plane, ``(N, 2)``.

    Args:
        vectors: ``(N, D)``, ``N`` of at least 2.
        perplexity: about how many neighbours each has.
        steps: of gradient descent with momentum and gains, beginning with the principal components.
        seed: of the little noise that parts equal vectors.
    """
    joint = similarities(vectors, perplexity=perplexity)
    rng = np.random.default_rng(seed)
    places = principal_components(vectors)
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    places = 1e-2 * places / max(float(places.std()), 1e-12) + 1e-4 * rng.normal(size=places.shape)
    velocity, gains = np.zeros_like(places), np.ones_like(places)
    rate = max(20.0, len(vectors) / EXAGGERATION)
    for step in range(steps):
        gradient = tsne_gradient(joint * (EXAGGERATION if step < EARLY else 1), places)
        gains = np.where(np.sign(gradient) == np.sign(velocity), gains * 0.8, gains + 0.2).clip(min=0.01)
        velocity = (0.5 if step < EARLY else 0.8) * velocity - rate * gains * gradient
        places = places + velocity
        places -= places.mean(axis=0)
    return places


def tsne_gradient(joint: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return ``∂KL/∂y_i = 4 Σ_j (p_ij − q_ij)(y_i − y_j)/(1 + ‖y_i − y_j‖²)``, ``(N, 2)`` (equation 5 there)."""
    closeness = 1 / (1 + _squared_distances(places))
    np.fill_diagonal(closeness, 0)
    strength = (joint - closeness / closeness.sum()) * closeness
    return np.asarray(4 * (strength.sum(axis=1)[:, None] * places - strength @ places))


def nearest_neighbours(vectors: np.ndarray, count: int) -> np.ndarray:
    """Return for each vector the indices of the nearest others, nearest first, ``(N, count)``.

    Args:
        vectors: ``(N, D)``.
        count: of neighbours, less than ``N``.
    """
    distances = _squared_distances(vectors)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1, kind="stable")[:, :count]


def draw_map(thumbnails: Sequence[Image.Image], places: np.ndarray, *, side: int = 1200) -> Image.Image:
    """Draw thumbnails at their places in the plane, scaled to a square.

    Args:
        thumbnails: RGB.
        places: ``(N, 2)``, in any units.
        side: of the picture, in pixels.
    """
    largest = max((max(each.size) for each in thumbnails), default=1)
    low, extent = places.min(axis=0), np.maximum(np.ptp(places, axis=0), 1e-12)
    sheet = Image.new("RGB", (side, side), "white")
    for thumbnail, place in zip(thumbnails, (places - low) / extent, strict=True):
        x, y = (place * (side - largest)).round().astype(int).tolist()
        sheet.paste(thumbnail, (x, y))
    return sheet


def draw_neighbours(thumbnails: Sequence[Image.Image], neighbours: np.ndarray, *, gap: int = 4) -> Image.Image:
    """Draw each photo and to its right its nearest neighbours, a row each."""
    largest = max(max(each.size) for each in thumbnails)
    cell = largest + gap
    columns = neighbours.shape[1] + 1
    sheet = Image.new("RGB", (columns * cell + 3 * gap, len(neighbours) * cell + gap), "white")
    for row, own in enumerate(neighbours):
        for column, index in enumerate([row, *own.tolist()]):
            left = gap + column * cell + (2 * gap if column else 0)
            sheet.paste(thumbnails[index], (left, gap + row * cell))
    return sheet


def _squared_distances(vectors: np.ndarray) -> np.ndarray:
    norms = (vectors**2).sum(axis=1)
    return np.asarray(np.maximum(norms[:, None] + norms - 2 * vectors @ vectors.T, 0))
