"""KCF and DCF: ridge regression on all cyclic shifts of a window, with a kernel or without, on 31 channels of HOG.

Henriques, Caseiro, Martins & Batista, "High-Speed Tracking with Kernelized Correlation Filters", TPAMI 2015: the dual
weights are ``α̂ = ŷ / (k̂ˣˣ + λ)`` (equation 17), the response to another window is ``k̂ˣᶻ ⊙ α̂`` (equation 22), and the
kernel's values for all shifts at once are one correlation: for a Gaussian
``kˣˣ' = exp(-(‖x‖² + ‖x'‖² - 2 Σ_c F⁻¹(x̂_c* ⊙ x̂'_c)) / σ²)`` (equations 30 and 31), for a linear kernel the sum itself,
which is the dual correlation filter (DCF).

The papers' tracker keeps the size of the object; here a filter along scales finds it (``scales``).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from seetell.tasks.single_object_tracking.filters.correlation import (
    CorrelationTracker,
    blended,
    gaussian_labels,
    peak_of,
    restore,
    transform,
)
from seetell.tasks.single_object_tracking.filters.hog import hog
from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter
from seetell.tasks.single_object_tracking.patches import Pair, faded


class Kcf(CorrelationTracker):
    """The tracker of the paper; for the arguments that are not listed see :class:`CorrelationTracker`.

    Args:
        kernel: ``gaussian`` or ``linear``.
        bandwidth: ``σ`` of the Gaussian kernel.
        regularisation: ``λ``.
        deviation: of the response that is wanted, as a share of the object's mean side.
    """

    name = "kcf"

    def __init__(
        self,
        *,
        padding: float = 1.5,
        side: int = 128,
        rate: float = 0.02,
        kernel: Literal["gaussian", "linear"] = "gaussian",
        bandwidth: float = 0.5,
        regularisation: float = 1e-4,
        deviation: float = 0.1,
        scales: ScaleFilter | None = None,
    ) -> None:
        super().__init__(padding=padding, side=side, cell=4, rate=rate, scales=scales)
        self._kernel, self._bandwidth = kernel, bandwidth
        self._regularisation, self._deviation = regularisation, deviation

    def prepare(self) -> None:
        """Transform the response that is wanted."""
        columns, rows = self._cells
        deviation = self._deviation * (self._box_cells[0] * self._box_cells[1]) ** 0.5
        self._wanted = transform(gaussian_labels(rows, columns, deviation))
        self._dual = self._template = np.zeros((), np.complex64)

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Return HOG that fades towards the edges; see :meth:`CorrelationTracker.features`."""
        return faded(hog(pixels[None], self._cell)[0])

    def learn(self, features: np.ndarray, rate: float) -> None:
        """Average the window and its dual weights; see :meth:`CorrelationTracker.learn`."""
        transformed = transform(features)
        kernel = self._correlation(transformed, transformed, features.shape)
        dual = dual_weights(kernel, self._wanted, self._regularisation)
        self._dual, self._template = blended(self._dual, dual, rate), blended(self._template, transformed, rate)

    def locate(self, features: np.ndarray) -> tuple[Pair, float]:
        """Correlate; see :meth:`CorrelationTracker.locate`. The score is the height of the peak, of 1 when trained."""
        kernel = self._correlation(self._template, transform(features), features.shape)
        moved, height = peak_of(restore(kernel * self._dual, features.shape[1:]))
        return moved, min(max(height, 0.0), 1.0)

    def _correlation(self, first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if self._kernel == "linear":
            return linear_correlation(first, second, shape)
        return gaussian_correlation(first, second, shape, self._bandwidth)


def dual_weights(kernel: np.ndarray, wanted: np.ndarray, regularisation: float) -> np.ndarray:
    """Return ``α̂ = ŷ / (k̂ˣˣ + λ)``, equation 17, of transforms of the same shape."""
    weights: np.ndarray = wanted / (kernel + regularisation)
    return weights


def linear_correlation(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the transform of the products of one window with all shifts of another, per element of the window.

    Args:
        first: transform ``(C, h, w // 2 + 1)`` of the window that is shifted.
        second: of the other.
        shape: ``(C, h, w)``.
    """
    products: np.ndarray = (first.conj() * second).sum(axis=0) / np.prod(shape)
    return products


def gaussian_correlation(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...], bandwidth: float) -> np.ndarray:
    """Return the transform of the Gaussian kernel of one window and all shifts of another, equation 31.

    Distances are per element of the window, as in the authors' code, so that ``σ`` does not depend on its size. For the
    arguments see :func:`linear_correlation`.
    """
    size = float(np.prod(shape))
    products = restore((first.conj() * second).sum(axis=0), shape[1:])
    distances = _energy(first, shape) + _energy(second, shape) - 2 * products
    return transform(np.exp(-np.maximum(distances, 0) / (size * bandwidth**2)).astype(np.float32))


def _energy(transformed: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the sum of squares of the arrays of which this is the half transform (Parseval)."""
    squares = (transformed * transformed.conj()).real.sum(axis=(0, 1))
    squares[1 : (shape[2] + 1) // 2] *= 2  # the columns that stand for their conjugates, too
    return float(squares.sum()) / (shape[1] * shape[2])
