"""ASRCF: a correlation filter whose spatial weights are learnt with it, by alternating directions (ADMM).

Dai, Wang, Lu, Sun & Li, "Visual Tracking via Adaptive Spatially-Regularized Correlation Filters", CVPR 2019: the filter
``h`` and the weights ``w`` minimise

    E(h, w) = ½ ‖y − Σ_c x_c ⋆ (Pᵀ h_c)‖² + λ₁/2 Σ_c ‖w ⊙ h_c‖² + λ₂/2 ‖w − w_r‖²

where ``P`` keeps the cells of the object alone, so that the filter trains on true windows of a large area instead of
cyclic ones (BACF, Galoogahi et al., ICCV 2017), and ``w_r`` punishes cells far from its middle. A copy ``g`` of the
filter has a value at every frequency, and what ``g`` and ``h`` differ by is added up in ``s``; each of ``g``, ``h`` and
``w`` has a closed form while the others stay. Another filter finds the scale, as in the paper, here the one of DSST.
The paper adds features of VGG to HOG; this one has HOG alone.

``pool`` is the idea of RPCF (Sun, Sun, Wang, He & Lu, "RoI Pooled Correlation Filters for Visual Tracking", CVPR 2019):
to pool features over regions of the object is to demand the same filter values within each region, which holds for
cyclic shifts as well. Each step of ``h`` is then a mean over blocks.

Letters: ``C`` channels, ``h × w`` cells of the window, ``N = h · w``.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Admm:
    """How a filter is found.

    Attributes:
        iterations: of the three steps.
        penalty: ``μ`` of the first iteration, on differences between the copies of the filter.
        growth: of the penalty from one iteration to the next.
        largest_penalty: that it does not exceed.
        sparsity: ``λ₁``, on the filter where the spatial weights are large.
        reference: ``λ₂``, on spatial weights that differ from those that they begin with.
        pool: cells of a side of the blocks in which the filter is constant; 1 for none.
    """

    iterations: int = 3
    penalty: float = 1.0
    growth: float = 10.0
    largest_penalty: float = 1000.0
    sparsity: float = 1.0
    reference: float = 0.001
    pool: int = 1


class Asrcf(CorrelationTracker):
    """The tracker of the paper; for the arguments that are not listed see :class:`CorrelationTracker`.

    Args:
        admm: how the filter is found.
        deviation: of the response that is wanted, as a share of the object's mean side.
    """

    name = "asrcf"

    def __init__(
        self,
        *,
        padding: float = 3.0,
        side: int = 160,
        rate: float = 0.02,
        deviation: float = 1 / 16,
        admm: Admm | None = None,
        scales: ScaleFilter | None = None,
    ) -> None:
        super().__init__(padding=padding, side=side, cell=4, rate=rate, square=True, scales=scales)
        self._deviation, self._admm = deviation, admm or Admm()

    def prepare(self) -> None:
        """Transform the response that is wanted, and begin with the spatial weights of the reference."""
        columns, rows = self._cells
        deviation = self._deviation * (self._box_cells[0] * self._box_cells[1]) ** 0.5 * 2
        self._wanted = transform(gaussian_labels(rows, columns, deviation))
        self._support = support_of(rows, columns, (self._box_cells[1], self._box_cells[0]))
        self._reference = reference_weights(rows, columns, (self._box_cells[1], self._box_cells[0]))
        self._weights = self._reference
        self._template = np.zeros((), np.complex64)

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Return HOG that fades towards the edges; see :meth:`CorrelationTracker.features`."""
        return faded(hog(pixels[None], self._cell)[0])

    def learn(self, features: np.ndarray, rate: float) -> None:
        """Average the windows, and find the filter of the mean; see :meth:`CorrelationTracker.learn`."""
        transformed = transform(features)
        self._template = blended(self._template, transformed, rate)
        self._filter, self._weights = solve(
            self._template, self._wanted, self._support, self._reference, self._weights, self._admm
        )

    def locate(self, features: np.ndarray) -> tuple[Pair, float]:
        """Correlate; see :meth:`CorrelationTracker.locate`. The score is the height of the peak, of 1 when trained."""
        response = restore((self._filter.conj() * transform(features)).sum(axis=0), features.shape[1:])
        moved, height = peak_of(response)
        return moved, min(max(height, 0.0), 1.0)


def solve(
    windows: np.ndarray,
    wanted: np.ndarray,
    support: np.ndarray,
    reference: np.ndarray,
    weights: np.ndarray,
    admm: Admm,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the filter and the spatial weights of a window by ADMM.

    Args:
        windows: transform ``(C, h, w // 2 + 1)`` of the window.
        wanted: transform ``(h, w // 2 + 1)`` of the response.
        support: ``(h, w)`` bool, where the filter may differ from 0.
        reference: ``w_r``, ``(h, w)``.
        weights: ``w`` to begin with, ``(h, w)``.
        admm: how.

    Returns:
        The transform of the filter ``h``, as ``windows``, and the weights ``w``.
    """
    shape = support.shape
    energy = (windows * windows.conj()).real.sum(axis=0)  # (h, w // 2 + 1)
    drive = windows * wanted.conj()
    spatial = np.zeros((len(windows), *shape), np.float32)
    spatial_transform, multiplier = np.zeros_like(windows), np.zeros_like(windows)
    penalty = admm.penalty
    for _ in range(admm.iterations):
        # g: for each frequency (x xᴴ + μ I) g = x y* + μ (h − s), by Sherman and Morrison
        right = drive + penalty * (spatial_transform - multiplier)
        along = (windows.conj() * right).sum(axis=0) / (penalty + energy)
        free = (right - windows * along) / penalty
        # h: for each cell of the object (λ₁ w² + μ) h = μ (g + s)
        target = restore(free + multiplier, shape)
        spatial = _constrained(target, weights * weights * admm.sparsity, penalty, support, admm.pool)
        spatial_transform = transform(spatial)
        # w: (λ₁ Σ h² + λ₂) w = λ₂ w_r
        weights = admm.reference * reference / (admm.sparsity * (spatial * spatial).sum(axis=0) + admm.reference)
        multiplier = multiplier + free - spatial_transform
        penalty = min(penalty * admm.growth, admm.largest_penalty)
    return spatial_transform, weights


def _constrained(
    target: np.ndarray, punishment: np.ndarray, penalty: float, support: np.ndarray, pool: int
) -> np.ndarray:
    """Return the filter ``(C, h, w)`` nearest to a target under a punishment ``(h, w)`` of its squares.

    It is 0 outside the support and, where ``pool`` exceeds 1, constant in blocks of so many cells each way.
    """
    if pool == 1:
        nearest: np.ndarray = penalty * target / (punishment + penalty) * support
        return nearest.astype(np.float32)
    blocks = _blocks(support, pool)
    numerator = _summed(penalty * target * support, blocks)
    denominator = _summed((punishment + penalty) * support, blocks)
    values = numerator / np.maximum(denominator, 1e-12)
    spread: np.ndarray = values[:, blocks] * support
    return spread.astype(np.float32)


def _blocks(support: np.ndarray, pool: int) -> np.ndarray:
    """Return the number of the block of each cell, ``(h, w)``."""
    across = -(-support.shape[1] // pool)
    rows, columns = (np.arange(cells) // pool for cells in support.shape)
    numbers: np.ndarray = rows[:, None] * across + columns[None, :]
    return numbers


def _summed(values: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Return the sums ``(…, blocks)`` of values ``(…, h, w)``."""
    rows = values.reshape(-1, blocks.size)
    sums = np.stack([np.bincount(blocks.ravel(), row, minlength=int(blocks.max()) + 1) for row in rows])
    return sums if values.ndim == 3 else sums[0]


def support_of(rows: int, columns: int, size: tuple[float, float]) -> np.ndarray:
    """Return the cells of the object in the middle of a window, ``(rows, columns)`` bool.

    Args:
        rows: of the window.
        columns: of the window.
        size: rows and columns of the object.
    """
    down, across = _distances(rows, columns, size)
    return (down[:, None] <= 0.5) & (across[None, :] <= 0.5)


def reference_weights(rows: int, columns: int, size: tuple[float, float]) -> np.ndarray:
    """Return ``w_r``, ``(rows, columns)`` float32, small in the middle of the object; see :func:`support_of`."""
    down, across = _distances(rows, columns, size)
    bowl: np.ndarray = (0.1 + 3.0 * (down[:, None] ** 2 + across[None, :] ** 2)).astype(np.float32)
    return bowl


def _distances(rows: int, columns: int, size: tuple[float, float]) -> list[np.ndarray]:
    """Return how far rows and columns are from the middle, in heights and widths of the object."""
    return [
        np.abs(np.arange(cells) - (cells - 1) / 2) / max(extent, 1.0)
        for cells, extent in zip((rows, columns), size, strict=True)
    ]
