"""What every describer of videos does, whatever finds the words: shots, a sentence for each, limits of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from seetell.errors import UsageError
from seetell.results import Caption, Shot, Shots
from seetell.runtime.option_checks import check_count
from seetell.runtime.video_predictor import VideoPredictor, VideoProgress
from seetell.video.frames import Frame, Video
from seetell.video.shots import KEPT, shots_of
from seetell.video.watched import Watched, check_watched

LEAST_SHOT = 0.5
"""Seconds of the shortest shot that can be asked for."""

Tell = Callable[[Sequence[Frame]], tuple[Frame, Caption]]
"""Takes frames of a shot, and returns the one that stands for it and its caption."""


@dataclass(frozen=True)
class Reading:
    """How a video is read; see :meth:`Describer.bind`."""

    frames: int
    shortest: float
    longest: float
    until: float | None
    time_limit: float | None


class Teller(ABC):
    """Finds the words for a shot.

    Attributes:
        name: the model's.
        threads: processor threads that it computes with.
    """

    name: str
    threads: int

    @abstractmethod
    def bind(self, **options: Any) -> Tell:
        """Return what captions a shot in the way a call asks for.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """


class Describer(VideoPredictor[Shots]):
    """A loaded model that describes videos; see :class:`~seetell.runtime.video_predictor.VideoPredictor`.

    Args:
        teller: finds the words.
    """

    task = "video_captioning"

    def __init__(self, teller: Teller) -> None:
        super().__init__(teller.name, threads=teller.threads)
        self._teller = teller

    def bind(
        self,
        *,
        frames: int = 3,
        shortest: float = 1.0,
        longest: float = 20.0,
        until: float | None = None,
        time_limit: float | None = None,
        **options: Any,
    ) -> Callable[[Video, VideoProgress], Shots]:
        """Return the function that describes a video.

        Args:
            frames: of each shot that the model looks at.
            shortest: seconds of a shot at least.
            longest: seconds after which a shot that goes on is described again; where that gives the same sentence, it
                stays one shot.
            until: second of the video to stop at; its end when absent.
            time_limit: seconds of work after which the reading stops; what was read by then is described.
            options: of the model's sentences.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """
        check_count("frames", frames)
        if frames > KEPT:
            raise UsageError(f"frames: at most {KEPT} of a shot are looked at, got {frames}")
        if not LEAST_SHOT <= shortest <= longest:
            raise UsageError(f"expected shots of {LEAST_SHOT} seconds or more, got from {shortest:g} to {longest:g}")
        check_watched(until=until, time_limit=time_limit)
        return partial(
            self._describe,
            tell=self._teller.bind(**options),
            reading=Reading(frames, shortest, longest, until, time_limit),
        )

    def _describe(self, video: Video, progress: VideoProgress, *, tell: Tell, reading: Reading) -> Shots:
        watched = Watched(video, progress, until=reading.until, time_limit=reading.time_limit)
        shots: list[Shot] = []
        parts = shots_of(
            iter(watched), video.fps, shortest=reading.shortest, longest=reading.longest, end=lambda: watched.end
        )
        for part in parts:
            frame, caption = tell(part.spread(reading.frames))
            if shots and not part.begins and str(shots[-1].caption) == str(caption):
                shots[-1] = replace(shots[-1], end=part.end)
            else:
                shots.append(Shot(part.start, part.end, frame.seconds, caption))
        return Shots(tuple(shots), video.size, video.fps, watched.count, self.name, watched.problem)
