"""Persons followed by their poses: key points of one frame are matched with those of the next by their similarity.

Xiao, Wu & Wei, "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018, section 3: poses that were seen
before are moved to the frame, and matched with those that are found by the object key-point similarity (OKS) in place
of the overlap of boxes, which tells little of people who hide each other. They move poses by optical flow, and match
the most similar pair first; here a pose goes on as it went from the last frame to this, and all are matched at once.

Letters: ``K`` key points, ``N`` persons of a frame, ``T`` known ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seetell.metrics.key_points import PosedObject, key_point_similarity
from seetell.tasks.tracking.associate import match


@dataclass(eq=False)
class _Person:
    id: int
    points: np.ndarray
    velocity: np.ndarray
    area: float
    missed: int = 0


class PoseTracker:
    """Numbers the persons of one frame after another.

    Args:
        sigmas: how far apart markings of each point are, ``(K,)``; see :func:`~seetell.metrics.key_points.sigmas_of`.
        least: similarity of two poses of one person.
        patience: frames after which a person who is not seen is forgotten.
    """

    def __init__(self, sigmas: np.ndarray, *, least: float = 0.3, patience: int = 10) -> None:
        self._sigmas, self._least, self._patience = sigmas, least, patience
        self._known: list[_Person] = []
        self._next = 1

    def update(self, poses: np.ndarray) -> np.ndarray:
        """Take the next frame.

        Args:
            poses: ``(N, K, 3)``: x and y in pixels, and whether the point is there, above 0; also none.

        Returns:
            The number of each person, from 1, ``(N,)`` int64.
        """
        known = [PosedObject("", each.points + each.velocity, area=each.area) for each in self._known]
        found = [PosedObject("", pose, area=_area(pose)) for pose in poses]
        matches = match(1 - key_point_similarity(found, known, self._sigmas).T, most=1 - self._least)
        ids = np.zeros(len(poses), np.int64)
        for row, column in zip(matches.targets, matches.detections, strict=True):
            ids[column] = self._see(self._known[row], poses[column])
        for row in matches.lost:
            self._known[row].missed += 1
            self._known[row].points = self._known[row].points + self._known[row].velocity
        self._known = [each for each in self._known if each.missed <= self._patience]
        for column in matches.new:
            ids[column] = self._next
            self._known.append(_Person(self._next, poses[column], np.zeros_like(poses[column]), _area(poses[column])))
            self._next += 1
        return ids

    def _see(self, person: _Person, pose: np.ndarray) -> int:
        """Remember a person's pose in this frame, and how it has moved; return the person's number."""
        seen = (pose[:, 2:] > 0) & (person.points[:, 2:] > 0)
        moved = np.where(seen, pose[:, :2] - person.points[:, :2], 0.0)
        person.velocity = np.concatenate([moved, np.zeros((len(pose), 1))], axis=1)
        person.points, person.area, person.missed = pose, _area(pose), 0
        return person.id


def _area(pose: np.ndarray) -> float:
    """Return the area of the box around the points that are there, at least a pixel."""
    there = pose[pose[:, 2] > 0, :2]
    return max(1.0, float(np.prod(np.ptp(there, axis=0)))) if len(there) else 1.0
