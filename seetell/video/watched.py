"""The frames of a video, as far as they are to be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from seetell.errors import UsageError
from seetell.video.frames import Frame, Video
from seetell.video.times import clock


def check_watched(*, until: float | None, time_limit: float | None) -> None:
    """Check how far a video is to be read, see :class:`Watched`, before any work.

    Raises:
        UsageError: a number is not above 0.
    """
    for name, seconds in (("until", until), ("time_limit", time_limit)):
        if seconds is not None and not seconds > 0:
            raise UsageError(f"{name}: expected seconds above 0, got {seconds:g}")


class Watched:
    """The frames of a video up to a second of it, and for as long as the work on them may take; iterable once.

    Attributes:
        count: frames that were read.

    Args:
        video: to read.
        progress: called after each frame with how many are done, and of how many where the file says it.
        until: second of the video to stop at; its end when absent.
        time_limit: seconds that the work may take, at least one frame; no limit when absent.
    """

    def __init__(
        self,
        video: Video,
        progress: Callable[[int, int | None], None],
        *,
        until: float | None = None,
        time_limit: float | None = None,
    ) -> None:
        self._video, self._progress, self._until, self._limit = video, progress, until, time_limit
        self.count, self._stopped = 0, ""

    @property
    def problem(self) -> str:
        """Why the video was not read to its end, or without loss; empty if it was, or only as far as was asked for."""
        return "; ".join(filter(None, (self._stopped, self._video.problem)))

    @property
    def end(self) -> float | None:
        """Second at which the video ends, as it says; ``None`` where it does not, or was not read to there."""
        return None if self._stopped or self._until is not None else self._video.end

    def __iter__(self) -> Iterator[Frame]:
        begin, total = time.monotonic(), self._video.frame_count
        if self._until is not None and total is not None:
            total = round(min(total, self._until * self._video.fps))
        for frame in self._video:
            if self._until is not None and frame.seconds >= self._until:
                return
            if self._limit is not None and time.monotonic() - begin >= self._limit and self.count:
                self._stopped = f"stopped at {clock(frame.seconds)}, after {self._limit:g} seconds of work"
                return
            self.count += 1
            yield frame
            self._progress(self.count, total)
