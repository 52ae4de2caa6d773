"""How badly targets and detections fit: costs ``(T, N)``, 0 for a perfect fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.geometry.boxes import iou

CHI2_95 = 9.4877
"""0.95 quantile of χ² with four degrees of freedom, the gate of Wojke et al. (2017)."""


def iou_costs(targets: np.ndarray, detections: np.ndarray) -> np.ndarray:
    """Return 1 − IoU of boxes ``(T, 4)`` and ``(N, 4)``."""
    return 1.0 - iou(targets[:, None], detections[None])


def appearance_costs(galleries: Sequence[np.ndarray], features: np.ndarray) -> np.ndarray:
    """Return the least cosine distance of each detection from what a target looked like; Wojke et al. (2017), Eq. 3.

    Args:
        galleries: of each target its features of unit length, ``(·, D)``, at least one.
        features: of the detections, of unit length, ``(N, D)``.
    """
    if not galleries:
        return np.empty((0, len(features)))
    similarity = np.concatenate(galleries) @ features.T  # (all, N)
    starts = np.cumsum([0, *(len(gallery) for gallery in galleries[:-1])])
    costs: np.ndarray = 1.0 - np.maximum.reduceat(similarity, starts, axis=0)
    return costs


def combined_costs(
    appearance: np.ndarray, distances: np.ndarray, *, weight: float = 0.0, most: float = 0.2, gate: float = CHI2_95
) -> np.ndarray:
    """Combine appearance and motion; Wojke et al. (2017), Eqs. 5 and 6.

    Args:
        appearance: cosine distances, ``(T, N)``.
        distances: squared Mahalanobis distances, ``(T, N)``.
        weight: λ, of motion.
        most: appearance cost of a pair that is still allowed.
        gate: distance of a pair that is still allowed.

    Returns:
        ``(T, N)``, infinite for pairs that are not allowed.
    """
    allowed = (appearance <= most) & (distances <= gate)
    return np.where(allowed, weight * distances + (1 - weight) * appearance, np.inf)


def of_other_kinds(targets: np.ndarray, detections: np.ndarray) -> np.ndarray:
    """Return which pairs have different labels, ``(T, N)`` of bool."""
    different: np.ndarray = targets[:, None] != detections[None]
    return different
