"""ByteTrack: detections of low score are matched too, after the others, with targets that are known already.

Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022, Algorithm 1, with the
limits of the authors' program, whose costs of the first match are those of overlaps times scores. Departure: detections
of one class are never matched with targets of another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from seetell.tasks.tracking.affinity import iou_costs, of_other_kinds
from seetell.tasks.tracking.associate import match
from seetell.tasks.tracking.detections import Detections, Seen
from seetell.tasks.tracking.motion import HeightMotion, Motion
from seetell.tasks.tracking.online import OnlineTracker


class Rest(NamedTuple):
    """What a match leaves over: indices."""

    targets: np.ndarray
    detections: np.ndarray


class ByteTrack(OnlineTracker):
    """ByteTrack.

    Args:
        high: τ, score from which a detection is matched first.
        low: score from which a detection is matched at all.
        begin: score from which a detection begins a target; ``high`` + 0.1 when absent.
        patience: frames after which a target that is not seen is forgotten.
        first: cost of a pair in the first match that is still allowed.
        second: 1 − IoU of a pair in the second match that is still allowed.
        unconfirmed: cost of a pair with a target that was seen once that is still allowed.
        motion: of the targets.
    """

    def __init__(
        self,
        *,
        high: float = 0.6,
        low: float = 0.1,
        begin: float | None = None,
        patience: int = 30,
        first: float = 0.8,
        second: float = 0.5,
        unconfirmed: float = 0.7,
        motion: Motion | None = None,
    ) -> None:
        super().__init__(motion or HeightMotion())
        self._high, self._low, self._begin = high, low, min(high + 0.1, 1.0) if begin is None else begin
        self._patience, self._first, self._second, self._unconfirmed = patience, first, second, unconfirmed
        self._frames = self._from_first = 0

    def update(self, detections: Detections) -> Seen:
        """Take the next frame; see :meth:`OnlineTracker.update`."""
        targets, scores = self.targets, detections.scores
        self._frames += 1
        targets.predict()
        confirmed = self._confirmed()
        high, low = np.flatnonzero(scores >= self._high), (scores >= self._low) & (scores < self._high)
        rest = self._match(np.flatnonzero(confirmed), high, detections, most=self._first, by_score=True)
        tracked = rest.targets[targets.missed[rest.targets] == 1]  # what was lost before is not looked for again
        self._match(tracked, np.flatnonzero(low), detections, most=self._second, by_score=False)
        rest = self._match(
            np.flatnonzero(~confirmed), rest.detections, detections, most=self._unconfirmed, by_score=True
        )
        targets.begin(detections[rest.detections[scores[rest.detections] >= self._begin]])
        if self._frames == 1:
            self._from_first = len(targets)
        confirmed = self._confirmed()
        seen = targets.seen(confirmed)
        targets.keep(np.where(confirmed, targets.missed <= self._patience, targets.missed == 0))
        return seen

    def _confirmed(self) -> np.ndarray:
        """Return which targets were seen twice, or in the first frame."""
        return (self.targets.hits > 0) | (self.targets.ids <= self._from_first)

    def _match(
        self, rows: np.ndarray, columns: np.ndarray, detections: Detections, *, most: float, by_score: bool
    ) -> Rest:
        """Match some targets and detections, and correct the targets; return what is left over of both."""
        if not (len(rows) and len(columns)):
            return Rest(rows, columns)
        targets, part = self.targets, detections[columns]
        costs = iou_costs(targets.motion.boxes[rows], part.boxes)
        if by_score:
            costs = 1 - (1 - costs) * part.scores
        costs[of_other_kinds(targets.labels[rows], part.labels)] = np.inf
        found = match(costs, most=most)
        targets.see(rows[found.targets], part[found.detections])
        return Rest(rows[found.lost], columns[found.new])
