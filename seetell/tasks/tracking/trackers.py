"""The trackers by name, each for a detector and a rate of frames."""

from __future__ import annotations

from seetell.errors import UsageError, unknown
from seetell.tasks.tracking.bytetrack import ByteTrack
from seetell.tasks.tracking.deepsort import DeepSort
from seetell.tasks.tracking.min_cost_flow import MinCostFlow
from seetell.tasks.tracking.online import OnlineTracker
from seetell.tasks.tracking.sort import Sort

TRACKERS = ("bytetrack", "sort", "deepsort", "min_cost_flow")

LEAST = 0.1
"""Score below which no tracker looks at a detection."""


def create_tracker(name: str, *, threshold: float, patience: int, alike: float = 0.2) -> OnlineTracker | MinCostFlow:
    """Create a tracker.

    Args:
        name: one of :data:`TRACKERS`.
        threshold: score from which a detection is taken for sure.
        patience: frames for which a target that is not seen is remembered; SORT has its own, one.
        alike: cosine distance of a target and a detection that look alike, for DeepSORT.

    Raises:
        UsageError: there is no such tracker.
    """
    if name == "sort":
        return Sort()
    if name == "deepsort":
        return DeepSort(patience=patience, distance=alike)
    if name == "bytetrack":
        return ByteTrack(high=threshold, low=min(LEAST, threshold), patience=patience)
    if name == "min_cost_flow":
        return MinCostFlow(gap=patience, least=threshold)
    raise UsageError(unknown("tracker", name, TRACKERS))
