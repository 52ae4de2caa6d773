"""DeepSORT: targets are found again by what they look like, where motion permits it.

Wojke, Bewley & Paulus, "Simple Online and Realtime Tracking with a Deep Association Metric", ICIP 2017. Departures:
features are those of a bundled encoder, which was trained to tell classes, not persons; detections of one class are
never matched with targets of another.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from seetell.tasks.tracking.affinity import appearance_costs, combined_costs, iou_costs, of_other_kinds
from seetell.tasks.tracking.associate import cascade, match
from seetell.tasks.tracking.detections import Detections, Seen
from seetell.tasks.tracking.motion import HeightMotion, Motion
from seetell.tasks.tracking.online import OnlineTracker

GALLERY = 100
"""L_k, features of a target that are kept, the last ones."""


class DeepSort(OnlineTracker):
    """DeepSORT.

    Args:
        patience: A_max, frames after which a target that is not seen is forgotten.
        hits: frames in a row in which a target is seen again before it is told.
        distance: t⁽²⁾, cosine distance of a pair that is still allowed.
        weight: λ, of motion in the costs; 0 leaves it to the gate.
        overlap: IoU of a target seen lately and a detection that look different, but are still matched.
        motion: of the targets.
    """

    uses_appearance = True

    def __init__(
        self,
        *,
        patience: int = 30,
        hits: int = 2,
        distance: float = 0.2,
        weight: float = 0.0,
        overlap: float = 0.3,
        motion: Motion | None = None,
    ) -> None:
        super().__init__(motion or HeightMotion())
        self._patience, self._hits = patience, hits
        self._distance, self._weight, self._overlap = distance, weight, overlap
        self._galleries: dict[int, deque[np.ndarray]] = {}

    def update(self, detections: Detections) -> Seen:
        """Take the next frame; see :meth:`OnlineTracker.update`."""
        targets = self.targets
        targets.predict()
        others = of_other_kinds(targets.labels, detections.labels)
        distances = targets.motion.distances(detections.boxes)
        overlaps = iou_costs(targets.motion.boxes, detections.boxes)
        overlaps[others] = np.inf
        confirmed = targets.hits >= self._hits
        known = np.flatnonzero(confirmed)

        def costs(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
            pairs = np.ix_(known[rows], columns)
            appearance = appearance_costs(
                [np.stack(self._galleries[target]) for target in targets.ids[known[rows]].tolist()],
                self._features(detections)[columns],
            )
            appearance[others[pairs]] = np.inf
            return combined_costs(appearance, distances[pairs], weight=self._weight, most=self._distance)

        by_look = cascade(costs, targets.missed[known], len(detections), most=np.inf)
        self._see(known[by_look.targets], by_look.detections, detections)
        lately = known[by_look.lost][targets.missed[known[by_look.lost]] == 1]
        rest = np.concatenate([np.flatnonzero(~confirmed), lately])
        by_place = match(overlaps[np.ix_(rest, by_look.new)], most=1 - self._overlap)
        self._see(rest[by_place.targets], by_look.new[by_place.detections], detections)
        new = by_look.new[by_place.new]
        targets.begin(detections[new])
        for target, feature in zip(
            targets.ids[len(targets) - len(new) :], self._features(detections)[new], strict=True
        ):
            self._galleries[target] = deque([feature], GALLERY)
        confirmed = targets.hits >= self._hits
        seen = targets.seen(confirmed)
        targets.keep(np.where(confirmed, targets.missed <= self._patience, targets.missed == 0))
        self._galleries = {target: self._galleries[target] for target in targets.ids.tolist()}
        return seen

    def _see(self, rows: np.ndarray, columns: np.ndarray, detections: Detections) -> None:
        """Correct targets by their detections, and remember what they look like."""
        self.targets.see(rows, detections[columns])
        for target, feature in zip(self.targets.ids[rows].tolist(), self._features(detections)[columns], strict=True):
            self._galleries[target].append(feature)

    @staticmethod
    def _features(detections: Detections) -> np.ndarray:
        if detections.features is None:
            raise ValueError("expected detections with features")
        return detections.features
