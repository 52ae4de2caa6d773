"""The objects of a video, followed from frame to frame.

>>> import seetell
>>> for track in seetell.load("track").predict("walk.mp4", only="person"):
...     print(track.id, track.seconds[0], track.seconds[-1])
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from seetell.errors import UsageError, unknown
from seetell.geometry.crossings import crossings, parse_line
from seetell.results import Tracks
from seetell.runtime.bundle import Bundle
from seetell.runtime.option_checks import check_share
from seetell.runtime.video_predictor import VideoPredictor, VideoProgress
from seetell.tasks.registry import find_task
from seetell.tasks.tracking.appearance import Appearance, ColourHistograms, EncoderFeatures, with_features
from seetell.tasks.tracking.detect import Found, by_detector, by_file
from seetell.tasks.tracking.follow import Placed, Wanted, follow
from seetell.tasks.tracking.trackers import LEAST, TRACKERS
from seetell.video.frames import Frame, Video
from seetell.video.watched import Watched, check_watched

APPEARANCES = ("colours", "encoder")

PATIENCE = 2.0
"""Seconds for which a target that is not seen is remembered."""

SHORTEST = 0.5
"""Seconds in which a target is seen, at least."""

FILE_THRESHOLD = 0.6
"""Score from which a detection of a file is taken for sure, that of ByteTrack."""


class ObjectTracker(VideoPredictor[Tracks]):
    """A tracker on top of an object detector; see :class:`~seetell.runtime.video_predictor.VideoPredictor`.

    Attributes:
        detector: a predictor of object detection.

    Args:
        name: of the detector's model.
        open_detector: loads the detector, when it is first needed.
        threads: processor threads to compute with.
    """

    task = "tracking"

    def __init__(self, name: str, open_detector: Callable[[], Any], *, threads: int | None = None) -> None:
        super().__init__(name, threads=threads)
        self._open_detector = open_detector

    @cached_property
    def detector(self) -> Any:
        """See the class."""
        return self._open_detector()

    def bind(self, **options: Any) -> Callable[[Video, VideoProgress], Tracks]:
        """Return the function that follows the objects of a video; for the options see :meth:`wanted`.

        Raises:
            UsageError: one is unknown or out of its range, or the detector has no such class.
        """
        return partial(self._follow, wanted=self.wanted(**options))

    def wanted(
        self,
        *,
        tracker: str = TRACKERS[0],
        only: str = "",
        threshold: float | None = None,
        detections: Path | None = None,
        patience: float = PATIENCE,
        fill: float = PATIENCE,
        shortest: float = SHORTEST,
        appearance: str = APPEARANCES[0],
        from_first: bool = True,
        count_line: str = "",
        until: float | None = None,
        time_limit: float | None = None,
    ) -> Wanted:
        """Check the options of a call.

        Args:
            tracker: one of :data:`~seetell.tasks.tracking.trackers.TRACKERS`.
            only: names of classes, separated by commas; all that the detector knows where it is empty.
            threshold: score from which a detection is taken for sure; the detector's own when absent.
            detections: a file of MOT challenge whose detections, of persons, are taken instead of the detector's.
            patience: seconds for which a target that is not seen is remembered.
            fill: seconds without a target, at most, in which it is told on a straight line.
            shortest: seconds in which a target is seen, at least.
            appearance: what targets look like, for ``deepsort``: ``colours``, or ``encoder``, the features of a bundled
                network.
            from_first: tell a target in the frames before it was confirmed too, which nobody knew then.
            count_line: a line x1,y1,x2,y2 in pixels at which objects are counted; none where it is empty.
            until: second of the video to stop at; its end when absent.
            time_limit: seconds that the work may take; no limit when absent.

        Raises:
            UsageError: one is out of its range, or the detector has no such class.
        """
        if tracker not in TRACKERS:
            raise UsageError(unknown("tracker", tracker, TRACKERS))
        if appearance not in APPEARANCES:
            raise UsageError(unknown("appearance", appearance, APPEARANCES))
        for name, value in (("patience", patience), ("fill", fill), ("shortest", shortest)):
            if not 0 <= value < float("inf"):
                raise UsageError(f"{name} must be at least 0 seconds, got {value}")
        check_watched(until=until, time_limit=time_limit)
        names = frozenset(filter(None, (part.strip() for part in only.split(","))))
        if detections is None:
            threshold = self.detector.threshold if threshold is None else threshold
            for label in sorted(names):
                if self.detector.labels and label not in self.detector.labels:
                    raise UsageError(unknown("class", label, self.detector.labels))
        elif names:
            raise UsageError("only: the detections of a file are all of persons; leave it out")
        threshold = FILE_THRESHOLD if threshold is None else threshold
        check_share("threshold", threshold)
        return Wanted(
            tracker=tracker,
            only=names,
            threshold=threshold,
            detections=detections,
            patience=patience,
            fill=fill,
            shortest=shortest,
            appearance=appearance,
            from_first=from_first,
            line=parse_line(count_line) if count_line else None,
            until=until,
            time_limit=time_limit,
        )

    def _follow(self, video: Video, progress: VideoProgress, *, wanted: Wanted) -> Tracks:
        def found() -> Iterator[Placed]:
            for frame, detections in self._found(watched, wanted):
                if appearance is not None:
                    detections = with_features(appearance, frame.image, detections)
                yield Placed(frame.index, frame.seconds, detections)

        watched = Watched(video, progress, until=wanted.until, time_limit=wanted.time_limit)
        appearance = self._appearance(wanted.appearance) if wanted.tracker == "deepsort" else None
        tracks, count, left_out = follow(found(), wanted, fps=video.fps)
        crossed = () if wanted.line is None else crossings(tracks, wanted.line)
        model = f"{self.name}, {wanted.tracker}"
        return Tracks(tracks, video.size, video.fps, count, model, watched.problem, wanted.line, crossed, left_out)

    def _found(self, frames: Iterable[Frame], wanted: Wanted) -> Iterator[Found]:
        if wanted.detections is not None:
            return by_file(wanted.detections, frames)
        least = LEAST if wanted.tracker == "bytetrack" else wanted.threshold
        return by_detector(self.detector, frames, threshold=min(least, wanted.threshold), only=wanted.only)

    def _appearance(self, name: str) -> Appearance:
        if name == "colours":
            return ColourHistograms()
        from seetell.tasks.loading import find_model

        return EncoderFeatures(Bundle.load(find_model("classify")), threads=self.threads)


class Tracker(ObjectTracker):
    """A tracker on top of the detector of a bundle.

    Args:
        bundle: a model of object detection.
        precision: of the bundle.
        threads: processor threads to compute with.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        def opened() -> Any:
            return find_task("detection").load("predict")(bundle, precision=precision, threads=threads)

        super().__init__(bundle.name, opened, threads=threads)


def of_transformers(name: str, *, threads: int | None = None, **options: Any) -> ObjectTracker:
    """Load a tracker on top of a detector of transformers; see :mod:`seetell.tasks.backends`."""
    detector = find_task("detection").load_backend("hf")(name, threads=threads, **options)
    return ObjectTracker(detector.name, lambda: detector, threads=threads)
