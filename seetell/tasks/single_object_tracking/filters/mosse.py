"""MOSSE: the filter with the minimum output sum of squared error, on grey pixels.

Bolme, Beveridge, Draper & Lui, "Visual Object Tracking using Adaptive Correlation Filters", CVPR 2010: with ``F_i`` the
transforms of training windows and ``G`` that of the wanted response, ``H* = Σ G ⊙ F_i* / Σ F_i ⊙ F_i*`` (equation 5),
whose numerator and denominator are running averages (equations 10 to 12). The first frame is learnt in eight small
rotations and enlargements. The size of the object is that of the first frame, as in the paper.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from seetell.tasks.single_object_tracking.filters.correlation import (
    CorrelationTracker,
    blended,
    gaussian_labels,
    peak_of,
    restore,
    transform,
)
from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter
from seetell.tasks.single_object_tracking.patches import Pair, faded

LEAST_RATIO = 7.0
"""Peak-to-sidelobe ratio below which the object is hidden or lost (section 3.5)."""

SIDELOBE = 5
"""Cells on each side of the peak that do not belong to the sidelobe."""


class Mosse(CorrelationTracker):
    """The tracker of the paper; for the arguments that are not listed see :class:`CorrelationTracker`.

    Args:
        deviation: of the response that is wanted, in pixels of the resized window.
        regularisation: ``ε``, added to the energy of windows (section 3.2), as a share of its mean.
        perturbations: rotated and enlarged copies of the first window to learn from.
        random: draws them.
    """

    name = "mosse"

    def __init__(
        self,
        *,
        padding: float = 1.0,
        side: int = 64,
        rate: float = 0.125,
        deviation: float = 2.0,
        regularisation: float = 0.01,
        perturbations: int = 8,
        scales: ScaleFilter | None = None,
        random: np.random.Generator | None = None,
    ) -> None:
        super().__init__(padding=padding, side=side, cell=1, rate=rate, scales=scales, least_score=0.5)
        self._deviation, self._regularisation, self._perturbations = deviation, regularisation, perturbations
        self._random = np.random.default_rng(0) if random is None else random

    def prepare(self) -> None:
        """Transform the response that is wanted."""
        columns, rows = self._cells
        self._wanted = transform(gaussian_labels(rows, columns, self._deviation))
        self._numerator, self._denominator = np.zeros((), np.complex64), np.zeros((), np.float32)

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Return the logarithm of grey values, of mean 0 and deviation 1, fading towards the edges, ``(1, h, w)``."""
        grey = np.log1p(pixels.astype(np.float32).mean(axis=-1))
        grey = (grey - grey.mean()) / (grey.std() + 1e-5)
        return faded(grey[None])

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """Return the window; see :meth:`CorrelationTracker.pixels`."""
        self._seen = super().pixels(image)
        return self._seen

    def learn(self, features: np.ndarray, rate: float) -> None:
        """Average numerator and denominator; see :meth:`CorrelationTracker.learn`."""
        windows = [features]
        if rate >= 1:  # the first frame
            windows += [self.features(self._perturbed(self._seen)) for _ in range(self._perturbations)]
        transformed = transform(np.concatenate(windows))
        numerator = (self._wanted * transformed.conj()).sum(axis=0)
        denominator = (transformed * transformed.conj()).real.sum(axis=0)
        self._numerator = blended(self._numerator, numerator, rate)
        self._denominator = blended(self._denominator, denominator, rate)

    def locate(self, features: np.ndarray) -> tuple[Pair, float]:
        """Correlate; see :meth:`CorrelationTracker.locate`. A ratio of 7 is a score of one half."""
        floor = self._regularisation * self._denominator.mean()
        response = restore(transform(features[0]) * self._numerator / (self._denominator + floor), features.shape[1:])
        ratio = max(0.0, peak_to_sidelobe(response))
        return peak_of(response)[0], ratio / (ratio + LEAST_RATIO)

    def _perturbed(self, pixels: np.ndarray) -> np.ndarray:
        """Return a window turned by up to 5.7° and enlarged or shrunk by up to a tenth."""
        angle, zoom = self._random.uniform(-0.1, 0.1), self._random.uniform(0.9, 1.1)
        x, y = pixels.shape[1] / 2, pixels.shape[0] / 2
        a, b = np.cos(angle) / zoom, np.sin(angle) / zoom
        matrix = (a, b, x - a * x - b * y, -b, a, y + b * x - a * y)
        turned = Image.fromarray(pixels).transform(
            (pixels.shape[1], pixels.shape[0]), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
        )
        return np.asarray(turned)


def peak_to_sidelobe(response: np.ndarray) -> float:
    """Return by how many deviations the peak of a response ``(h, w)`` exceeds the mean of what is not near it."""
    rows, columns = response.shape
    row, column = np.unravel_index(int(response.argmax()), response.shape)
    centred = np.roll(response, (rows // 2 - row, columns // 2 - column), (0, 1))
    sidelobe = np.ones(response.shape, bool)
    sidelobe[
        max(0, rows // 2 - SIDELOBE) : rows // 2 + SIDELOBE + 1,
        max(0, columns // 2 - SIDELOBE) : columns // 2 + SIDELOBE + 1,
    ] = False
    rest = centred[sidelobe]
    return float((centred[rows // 2, columns // 2] - rest.mean()) / (rest.std() + 1e-9)) if rest.size else 0.0
