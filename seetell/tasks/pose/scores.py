"""Scores of poses: the shares of joints and limbs that are detected."""

from __future__ import annotations

import math

import numpy as np

from seetell.geometry.key_points import KeyPoints, Points
from seetell.metrics.key_points import detected_joints, detected_limbs

TORSO = (("left_shoulder", "right_hip"), ("right_shoulder", "left_hip"))
"""Joints whose distance is the torso's diameter; the first pair that is there."""


def pose_scores(found: Points, true: Points, key_points: KeyPoints) -> dict[str, float]:
    """Return ``PDJ``, the mean over joints at 0.2 of the torso's diameter, and ``PCP``, that over limbs.

    Args:
        found: ``(N, K, 2)`` or more columns, in pixels.
        true: ``(N, K, 3)``.
        key_points: their names and limbs; without a torso, or without limbs, the score is not a number.
    """
    places = {name: place for place, name in enumerate(key_points.names)}
    torso = next(((places[one], places[other]) for one, other in TORSO if {one, other} <= places.keys()), None)
    joints = np.zeros(0) if torso is None else detected_joints(found, true, torso)
    limbs = detected_limbs(found, true, key_points.skeleton)
    return {"PDJ": _mean(joints), "PCP": _mean(limbs)}


def _mean(shares: np.ndarray) -> float:
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else math.nan
