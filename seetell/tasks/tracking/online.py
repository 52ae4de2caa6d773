"""What trackers that go frame by frame share: the targets that they know, and what they say of a frame."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from seetell.tasks.tracking.detections import Detections, Seen
from seetell.tasks.tracking.motion import Motion


class Targets:
    """The targets that a tracker knows, ``T`` of them.

    Attributes:
        motion: where they are.
        ids: from 1, ``(T,)``.
        labels: ``(T,)``.
        scores: of their last detections, ``(T,)``.
        missed: frames since they were seen, ``(T,)``; 0 for those that are seen now.
        hits: frames in which they were seen after the first, ``(T,)``.
        streak: the last of them without a gap, ``(T,)``.
    """

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        self.ids, self.missed, self.hits, self.streak = (np.empty(0, np.int64) for _ in range(4))
        self.labels, self.scores = np.empty(0, "U1"), np.empty(0)
        self._next = 1

    def __len__(self) -> int:
        return len(self.ids)

    def predict(self) -> None:
        """Go on by one frame, in which none is seen yet."""
        self.motion.predict()
        self.streak[self.missed > 0] = 0
        self.missed += 1

    def see(self, rows: np.ndarray, detections: Detections) -> None:
        """Correct targets by the detections ``(K,)`` that are theirs."""
        self.motion.update(rows, detections.boxes)
        self.scores[rows], self.missed[rows] = detections.scores, 0
        self.hits[rows] += 1
        self.streak[rows] += 1

    def begin(self, detections: Detections) -> None:
        """Add a target for each detection."""
        count = len(detections)
        self.motion.begin(detections.boxes)
        zeros = np.zeros(count, np.int64)
        self.ids = np.concatenate([self.ids, np.arange(self._next, self._next + count)])
        self.missed, self.hits, self.streak = (
            np.concatenate([part, zeros]) for part in (self.missed, self.hits, self.streak)
        )
        self.labels = np.concatenate([self.labels, detections.labels])
        self.scores = np.concatenate([self.scores, detections.scores])
        self._next += count

    def keep(self, mask: np.ndarray) -> None:
        """Forget the targets that a mask ``(T,)`` leaves out."""
        if mask.all():
            return
        self.motion.keep(mask)
        self.ids, self.missed, self.hits, self.streak, self.labels, self.scores = (
            part[mask] for part in (self.ids, self.missed, self.hits, self.streak, self.labels, self.scores)
        )

    def seen(self, confirmed: np.ndarray) -> Seen:
        """Return those that are seen now; which of all are told is ``confirmed (T,)``."""
        now = self.missed == 0
        return Seen(self.ids[now], self.motion.boxes[now], self.scores[now], self.labels[now], confirmed[now])


class OnlineTracker(ABC):
    """A tracker that goes frame by frame and knows nothing of later ones.

    Attributes:
        targets: those that it knows.
        uses_appearance: whether its detections need features.

    Args:
        motion: of the targets.
    """

    uses_appearance = False

    def __init__(self, motion: Motion) -> None:
        self.targets = Targets(motion)

    @abstractmethod
    def update(self, detections: Detections) -> Seen:
        """Take the next frame.

        Args:
            detections: of the frame; also none.

        Returns:
            The targets that are seen in it.
        """
