"""Following with UDT's features: a dual correlation filter, as KCF's with a linear kernel, in place of HOG.

Wang et al. 2019, section 3.4: the filter is the one that the features were trained for, and learns from each frame with
a rate of 0.012. Another filter, of DSST, finds the scale, where the paper looks at three.
"""

from __future__ import annotations

import numpy as np

from seetell.tasks.single_object_tracking.filters.correlation import (
    CorrelationTracker,
    blended,
    gaussian_labels,
    peak_of,
    restore,
    transform,
)
from seetell.tasks.single_object_tracking.filters.kcf import dual_weights, linear_correlation
from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter
from seetell.tasks.single_object_tracking.patches import Pair, window_of
from seetell.tasks.single_object_tracking.siamese.network import SiameseGraphs


class UdtTracker(CorrelationTracker):
    """Follows with a network of the kind ``udt``.

    Args:
        graphs: of the bundle.
        name: of the bundle.
        regularisation: ``λ`` of its training.
        deviation: of the response that it was trained for, in cells.
    """

    def __init__(self, graphs: SiameseGraphs, name: str, *, regularisation: float, deviation: float) -> None:
        cells = (graphs.side - 1) // graphs.stride + 1
        super().__init__(
            padding=2.0,
            side=cells * graphs.stride,
            cell=graphs.stride,
            rate=0.012,
            square=True,
            scales=ScaleFilter(),
        )
        self._graphs, self.name = graphs, name
        self._regularisation, self._deviation = regularisation, deviation

    def prepare(self) -> None:
        """Transform the response that is wanted."""
        columns, rows = self._cells
        self._wanted = transform(gaussian_labels(rows, columns, self._deviation))
        self._dual = self._template = np.zeros((), np.complex64)

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """Return the window; see :meth:`CorrelationTracker.pixels`."""
        side = self._window[0] * self._scale
        return window_of(image, self.centre, (side, side), (self._graphs.side, self._graphs.side))

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Return the network's features; see :meth:`CorrelationTracker.features`."""
        side = float(self._graphs.side)
        features: np.ndarray = self._graphs.features(pixels, (side / 2, side / 2), [side])[0]
        return features

    def learn(self, features: np.ndarray, rate: float) -> None:
        """Average the window and its dual weights; see :meth:`CorrelationTracker.learn`."""
        transformed = transform(features)
        kernel = linear_correlation(transformed, transformed, features.shape)
        dual = dual_weights(kernel, self._wanted, self._regularisation)
        self._dual, self._template = blended(self._dual, dual, rate), blended(self._template, transformed, rate)

    def locate(self, features: np.ndarray) -> tuple[Pair, float]:
        """Correlate; see :meth:`CorrelationTracker.locate`. The score is the height of the peak, of 1 when trained."""
        kernel = linear_correlation(self._template, transform(features), features.shape)
        moved, height = peak_of(restore(kernel * self._dual, features.shape[1:]))
        return moved, min(max(height, 0.0), 1.0)
