"""Target-aware features: only the channels that tell this object from what is around it are compared.

Li, Ma, Wu, He & Yang, "Target-Aware Deep Tracking", CVPR 2019 (TADT): a filter ``W`` of the exemplar's size is fitted
to the first frame by ridge regression, ``L = ‖Y − W ⋆ X‖² + λ ‖W‖²`` with a Gaussian ``Y`` around the object, and a
channel is as important as the mean over space of the gradient of ``L`` with respect to it. With the filter in closed
form the residual is ``r = Y − W ⋆ X``, and the sum of the gradient is ``−2 Σ r · Σ W_i``, so that nothing need be
differentiated. The paper's second loss, by which it ranks scales, is left out.
"""

from __future__ import annotations

import numpy as np

from seetell.tasks.single_object_tracking.patches import Pair

REGULARISATION = 1.0
"""``λ``, in relation to the mean energy of a place."""


def channel_importance(features: np.ndarray, cells: int, deviations: Pair) -> np.ndarray:
    """Return how important each channel is, ``(C,)``: the mean gradient of the regression's loss.

    Args:
        features: of the first frame's window, ``(C, n, n)``, the object in its middle.
        cells: of the exemplar's side.
        deviations: of the Gaussian, across and down in cells.
    """
    channels = len(features)
    places = np.lib.stride_tricks.sliding_window_view(features, (cells, cells), axis=(1, 2))  # (C, h, w, cells, cells)
    rows = places.transpose(1, 2, 0, 3, 4).reshape(places.shape[1] * places.shape[2], -1).astype(np.float64)
    offsets = np.arange(places.shape[1]) - places.shape[1] // 2
    down, across = (np.exp(-(offsets**2) / (2 * deviation**2)) for deviation in deviations[::-1])
    wanted = np.outer(down, across).ravel()
    kernel = rows @ rows.T
    regularisation = REGULARISATION * float(np.trace(kernel)) / len(rows)
    dual = np.linalg.solve(kernel + regularisation * np.eye(len(rows)), wanted)
    weights = (dual @ rows).reshape(channels, -1)
    residual = wanted - kernel @ dual
    importance: np.ndarray = -2 * residual.sum() * weights.sum(axis=1) / features[0].size
    return importance


def chosen_channels(importance: np.ndarray, share: float) -> np.ndarray:
    """Return which channels are compared, ``(C,)`` bool: that share of them, those whose gradient is largest."""
    count = max(1, round(share * len(importance)))
    chosen = np.zeros(len(importance), bool)
    chosen[np.argsort(-np.abs(importance), kind="stable")[:count]] = True
    return chosen
