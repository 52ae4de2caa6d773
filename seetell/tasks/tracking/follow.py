"""From the detections of all frames to tracks, by any of the trackers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from seetell.results import Line, Track
from seetell.tasks.tracking.appearance import ALIKE
from seetell.tasks.tracking.collect import Collector
from seetell.tasks.tracking.detections import Detections
from seetell.tasks.tracking.min_cost_flow import MinCostFlow
from seetell.tasks.tracking.trackers import create_tracker


@dataclass(frozen=True)
class Wanted:
    """What a call asks of a tracker; see :meth:`~seetell.tasks.tracking.predict.ObjectTracker.wanted`."""

    tracker: str
    only: frozenset[str]
    threshold: float
    detections: Path | None
    patience: float
    fill: float
    shortest: float
    appearance: str
    from_first: bool
    line: Line | None
    until: float | None
    time_limit: float | None


class Placed(NamedTuple):
    """The detections of a frame.

    Attributes:
        number: of the frame, from 0.
        seconds: when it is shown.
        detections: in it.
    """

    number: int
    seconds: float
    detections: Detections


class Followed(NamedTuple):
    """What was followed.

    Attributes:
        tracks: of objects that were seen long enough.
        frame_count: frames that there were.
        left_out: objects that were not seen long enough.
    """

    tracks: tuple[Track, ...]
    frame_count: int
    left_out: int


def follow(frames: Iterable[Placed], wanted: Wanted, *, fps: float) -> Followed:
    """Follow the objects through the frames of a video.

    Args:
        frames: in their order; ``min_cost_flow`` holds the detections of all of them.
        wanted: tracker and options.
        fps: frames a second.
    """
    patience = max(1, round(wanted.patience * fps))
    tracker = create_tracker(
        wanted.tracker, threshold=wanted.threshold, patience=patience, alike=ALIKE[wanted.appearance]
    )
    collector, count = Collector(from_first=wanted.from_first), 0
    if isinstance(tracker, MinCostFlow):
        every = list(frames)
        seen = tracker.associate([frame.detections for frame in every])
        for frame, targets in zip(every, seen, strict=True):
            collector.add(frame.number, frame.seconds, targets)
        count = len(every)
    else:
        for frame in frames:
            collector.add(frame.number, frame.seconds, tracker.update(frame.detections))
            count += 1
    shortest = max(1, round(wanted.shortest * fps))
    tracks = collector.tracks(gap=round(wanted.fill * fps), shortest=shortest)
    return Followed(tracks, count, len(collector) - len(tracks))
