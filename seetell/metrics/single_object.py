"""Scores of following one object: the one-pass evaluation of the object tracking benchmark (OTB).

Wu, Lim & Yang, "Online Object Tracking: A Benchmark", CVPR 2013; "Object Tracking Benchmark", TPAMI 2015. The success
curve says in which share of the frames the overlap with the true box exceeds each of 21 thresholds from 0 to 1, and its
mean is called the area under the curve (AUC). The precision curve says in which share the centres are at most so many
pixels apart, from 0 to 50; trackers are compared by the share at 20.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seetell.geometry.boxes import iou

OVERLAPS = np.arange(21) / 20
DISTANCES = np.arange(51)
PRECISION_AT = 20


@dataclass(frozen=True)
class OnePassScores:
    """Scores of one sequence, or the mean of several.

    Attributes:
        success: share of the frames whose overlap exceeds each of ``OVERLAPS``, ``(21,)``.
        precision: share of the frames whose centres are at most ``DISTANCES`` pixels apart, ``(51,)``.
        frames: that have a true box.
    """

    success: np.ndarray
    precision: np.ndarray
    frames: int

    @property
    def auc(self) -> float:
        """Area under the success curve."""
        return float(self.success.mean())

    @property
    def precision_at_20(self) -> float:
        """Share of the frames whose centres are at most 20 pixels apart."""
        return float(self.precision[PRECISION_AT])

    def to_dict(self) -> dict[str, float]:
        """Return the two scores by which trackers are compared."""
        return {"success_auc": self.auc, "precision_20px": self.precision_at_20}


def one_pass_scores(true: np.ndarray, found: np.ndarray) -> OnePassScores:
    """Score the boxes of a sequence.

    Args:
        true: ``(N, 4)`` ``xyxy`` in pixels; a frame whose box is not finite or has no area is left out.
        found: ``(N, 4)``; one that is not finite counts as a miss.
    """
    true, found = np.asarray(true, np.float64), np.asarray(found, np.float64)
    counted = np.isfinite(true).all(axis=1) & ((true[:, 2:] - true[:, :2]) > 0).all(axis=1)
    true, found = true[counted], found[counted]
    usable = np.isfinite(found).all(axis=1)
    overlap, distance = np.zeros(len(true)), np.full(len(true), np.inf)
    overlap[usable] = iou(true[usable], found[usable])
    centres = [(boxes[usable, :2] + boxes[usable, 2:]) / 2 for boxes in (true, found)]
    distance[usable] = np.linalg.norm(centres[0] - centres[1], axis=1)
    if not len(true):
        return OnePassScores(np.zeros(len(OVERLAPS)), np.zeros(len(DISTANCES)), 0)
    success = (overlap[:, None] > OVERLAPS[None, :]).mean(axis=0)
    precision = (distance[:, None] <= DISTANCES[None, :]).mean(axis=0)
    return OnePassScores(success, precision, len(true))


def mean_scores(sequences: Mapping[str, OnePassScores]) -> OnePassScores:
    """Return the mean of sequences, each counting as much whatever its length, as the benchmark has it."""
    scores = list(sequences.values())
    return OnePassScores(
        np.mean([each.success for each in scores], axis=0),
        np.mean([each.precision for each in scores], axis=0),
        sum(each.frames for each in scores),
    )
