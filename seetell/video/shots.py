"""Divide a film into its shots while it is read, with some frames of each to look at.

>>> from seetell.video.frames import open_video
>>> from seetell.video.shots import shots_of
>>> with open_video("film.mp4") as video:
...     for shot in shots_of(video, video.fps):
...         print(shot.start, shot.end, len(shot.frames))

A dozen reduced frames of the shot that is being read are held, so an hour takes no more memory than a minute.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from seetell.video.cuts import CutFinder
from seetell.video.frames import Frame

KEPT = 12
"""Most frames of a shot that are held; then every second is let go, and half as many are taken."""

EVERY = 0.25
"""Seconds between frames that are held, at first."""

SIDE = 1024
"""Longest side to which they are reduced, in pixels."""


@dataclass(frozen=True, eq=False)
class ShotFrames:
    """A shot, or a part of a long one.

    Attributes:
        start: seconds from the beginning of the film to its first frame.
        end: seconds to the end of its last frame.
        frames: some of it, evenly spread, at least one; at most :data:`SIDE` pixels a side.
        begins: whether a shot begins with it, rather than a further part of one.
    """

    start: float
    end: float
    frames: tuple[Frame, ...]
    begins: bool

    def spread(self, count: int) -> list[Frame]:
        """Return so many of the frames at most, from the middles of as many equal parts."""
        middles = (self.start + (part + 0.5) * (self.end - self.start) / count for part in range(count))
        nearest = {min(self.frames, key=lambda frame: abs(frame.seconds - middle)).index for middle in middles}
        return [frame for frame in self.frames if frame.index in nearest]


def shots_of(
    frames: Iterable[Frame], fps: float, *, shortest: float = 1.0, longest: float = 20.0
) -> Iterator[ShotFrames]:
    """Yield the shots of a film, each as soon as its end is certain.

    Args:
        frames: of the film, as they are read.
        fps: frames a second, on average.
        shortest: seconds; what begins sooner after a cut belongs to the same shot.
        longest: seconds; a shot that lasts more than half as long again is divided.
    """
    finder = CutFinder(fps, shortest)
    shot = _Growing(finder.lag, longest)
    for frame in frames:
        shot.add(frame)
        yield from shot.ended(finder.add(frame.image, frame.seconds))
    yield from shot.ended(finder.finish())
    yield from shot.rest(1 / fps)


class _Growing:
    """The shot that is being read, and the frames after it until its end is certain.

    Args:
        lag: frames after which it is certain.
        longest: seconds of a part.
    """

    def __init__(self, lag: int, longest: float) -> None:
        self._longest = longest
        self._times: deque[tuple[int, float]] = deque(maxlen=lag + 1)  # place and seconds of the last frames
        self._held: list[tuple[int, Frame]] = []
        self._added, self._start, self._begins, self._every = 0, 0.0, True, EVERY

    def add(self, frame: Frame) -> None:
        """Take a frame."""
        if not self._added:
            self._start = frame.seconds
        self._times.append((self._added, frame.seconds))
        if not self._held or frame.seconds >= self._held[-1][1].seconds + EVERY - 1e-6:
            self._held.append((self._added, reduced(frame)))
        self._added += 1

    def ended(self, cuts: Iterable[int]) -> Iterator[ShotFrames]:
        """Yield what ended, given the places at which shots begin that are now known."""
        for cut in cuts:
            seconds = next(seconds for place, seconds in self._times if place == cut)
            yield from self._until(cut, seconds, begins=True)
        place, seconds = self._times[0] if self._times else (0, 0.0)  # no cut comes before
        if seconds >= self._start + 1.5 * self._longest:
            middle = self._start + self._longest
            yield from self._until(next(at for at, frame in self._held if frame.seconds >= middle), middle)
        self._thin(place)

    def rest(self, frame_seconds: float) -> Iterator[ShotFrames]:
        """Yield what is left at the end of the film, whose last frame is shown for so long."""
        if self._added:
            yield from self._until(self._added, self._times[-1][1] + frame_seconds)

    def _until(self, place: int, seconds: float, *, begins: bool = False) -> Iterator[ShotFrames]:
        """Yield the shot up to a frame, with which the next one begins; none if it is too short to have a frame.

        Args:
            place: of that frame.
            seconds: when it is shown.
            begins: whether a shot begins with it, rather than a part of this one.
        """
        frames = tuple(frame for at, frame in self._held if at < place)
        if frames:
            yield ShotFrames(self._start, seconds, frames, self._begins)
            self._held = self._held[len(frames) :]
            self._start, self._begins, self._every = seconds, begins, EVERY

    def _thin(self, certain: int) -> None:
        """Let frames go of what belongs to the shot for certain, where it has too many."""
        sure = [(at, frame) for at, frame in self._held if at < certain]
        rest = self._held[len(sure) :]
        sure = _at_least_apart(sure, self._every)
        while len(sure) > KEPT:
            self._every *= 2
            sure = _at_least_apart(sure, self._every)
        self._held = sure + rest


def _at_least_apart(held: list[tuple[int, Frame]], seconds: float) -> list[tuple[int, Frame]]:
    """Return the frames but for those that come too soon after another."""
    kept: list[tuple[int, Frame]] = []
    for place, frame in held:
        if not kept or frame.seconds >= kept[-1][1].seconds + seconds - 1e-6:
            kept.append((place, frame))
    return kept


def reduced(frame: Frame) -> Frame:
    """Return a frame of at most :data:`SIDE` pixels a side."""
    if max(frame.image.shape[:2]) <= SIDE:
        return frame
    picture = Image.fromarray(frame.image)
    picture.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    return Frame(frame.index, frame.seconds, np.asarray(picture))
