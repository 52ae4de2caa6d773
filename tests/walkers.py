"""Boxes that walk, for tests of trackers: what is true of each frame, and what a detector finds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seetell.tasks.tracking.detections import Detections

SIDES = np.array([20.0, 40.0])


def detections(
    centres: Sequence[Sequence[float]],
    *,
    scores: Sequence[float] | None = None,
    labels: Sequence[str] | None = None,
    features: np.ndarray | None = None,
) -> Detections:
    """Return boxes of 20 × 40 pixels around centres."""
    middle = np.array(centres, np.float64).reshape(-1, 2)
    count = len(middle)
    return Detections(
        np.concatenate([middle - SIDES / 2, middle + SIDES / 2], axis=1),
        np.full(count, 0.9) if scores is None else np.array(scores, np.float64),
        np.full(count, "person") if labels is None else np.array(labels),
        features,
    )


def walk(frames: int, *ways: tuple[tuple[float, float], tuple[float, float]]) -> np.ndarray:
    """Return the centres of walkers, ``(frames, W, 2)``, each with where it begins and how it moves in a frame."""
    begin, move = (np.array([way[part] for way in ways]) for part in (0, 1))
    return begin + np.arange(frames)[:, None, None] * move
