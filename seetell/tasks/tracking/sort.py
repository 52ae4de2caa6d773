"""SORT: motion predicts the boxes of targets, and the Hungarian method finds the detections that overlap them.

Bewley, Ge, Ott, Ramos & Upcroft, "Simple Online and Realtime Tracking", ICIP 2016. Departure: detections of one class
are never matched with targets of another; the paper has one class.
"""

from __future__ import annotations

from seetell.tasks.tracking.affinity import iou_costs, of_other_kinds
from seetell.tasks.tracking.associate import match_then_reject
from seetell.tasks.tracking.detections import Detections, Seen
from seetell.tasks.tracking.motion import AreaMotion, Motion
from seetell.tasks.tracking.online import OnlineTracker


class Sort(OnlineTracker):
    """SORT.

    Args:
        patience: T_Lost, frames after which a target that is not seen is forgotten.
        hits: frames in a row in which a target is seen again before it is told; fewer at the beginning of a video.
        overlap: IoU_min of a target and its detection.
        motion: of the targets.
    """

    def __init__(self, *, patience: int = 1, hits: int = 3, overlap: float = 0.3, motion: Motion | None = None) -> None:
        super().__init__(motion or AreaMotion())
        self._patience, self._hits, self._overlap, self._frames = patience, hits, overlap, 0

    def update(self, detections: Detections) -> Seen:
        """Take the next frame; see :meth:`OnlineTracker.update`."""
        targets = self.targets
        self._frames += 1
        targets.predict()
        costs = iou_costs(targets.motion.boxes, detections.boxes)
        costs[of_other_kinds(targets.labels, detections.labels)] = 1.0
        found = match_then_reject(costs, most=1 - self._overlap)
        targets.see(found.targets, detections[found.detections])
        targets.begin(detections[found.new])
        seen = targets.seen((targets.streak >= self._hits) | (self._frames <= self._hits))
        targets.keep(targets.missed <= self._patience)
        return seen
