"""What is found in a frame, and what a tracker says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Detections:
    """The objects that were found in a frame.

    Attributes:
        boxes: ``xyxy`` in pixels, with an area, ``(N, 4)`` float64.
        scores: ``(N,)`` float64.
        labels: names of the classes, ``(N,)`` of strings.
        features: appearance, of unit length, ``(N, D)``; ``None`` where no tracker asked for it.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    features: np.ndarray | None = None

    @classmethod
    def none(cls) -> Detections:
        """Return no detections."""
        return cls(np.empty((0, 4)), np.empty(0), np.empty(0, "U1"))

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: np.ndarray) -> Detections:
        """Return some of them: indices, or a mask ``(N,)``."""
        features = None if self.features is None else self.features[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows], features)


@dataclass(frozen=True, eq=False)
class Seen:
    """The targets that a tracker sees in a frame, ``S`` of them.

    Attributes:
        ids: from 1, ``(S,)``.
        boxes: ``(S, 4)``.
        scores: of the detections, ``(S,)``.
        labels: ``(S,)``.
        confirmed: whether it has been seen often enough to be told, ``(S,)``.
    """

    ids: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    confirmed: np.ndarray
