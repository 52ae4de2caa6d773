"""Divide a film into its shots while it is read, with some frames of each to look at.

>>> from seetell.video.frames import open_video
>>> from seetell.video.shots import shots_of
>>> with open_video("film.mp4") as video:
...     for shot in shots_of(video, video.fps):
...         print(shot.start, shot.end, len(shot.frames))

A dozen reduced frames of the shot that is being read are held, so an hour takes no more memory than a minute.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from seetell.video.cuts import CutFinder, Place
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
        """Return so many of the frames at most, those shown in the middles of as many equal parts."""
        middles = (self.start + (part + 0.5) * (self.end - self.start) / count for part in range(count))
        begins = [frame.seconds for frame in self.frames]
        shown = {max(0, bisect_right(begins, middle + 1e-6) - 1) for middle in middles}
        return [self.frames[place] for place in sorted(shown)]


def shots_of(
    frames: Iterable[Frame],
    fps: float,
    *,
    shortest: float = 1.0,
    longest: float = 20.0,
    end: Callable[[], float | None] = lambda: None,
) -> Iterator[ShotFrames]:
    """Yield the shots of a film, each as soon as its end is certain.

    Args:
        frames: of the film, as they are read.
        fps: frames a second, on average.
        shortest: seconds; what begins sooner after a cut belongs to the same shot.
        longest: seconds; a shot that lasts more than half as long again is divided.
        end: called after the last frame, the second at which the film ends; by the frame rate where that is ``None``.
    """
    finder = CutFinder(fps, shortest)
    shot = _Growing(longest)
    for frame in frames:
        shot.add(frame)
        yield from shot.ended(finder.add(frame.image, frame.seconds), finder.certain)
    yield from shot.ended(finder.finish(end()), finder.certain)
    yield from shot.rest(finder.certain)


class _Growing:
    """The shot that is being read, and the frames after it until its end is certain.

    Args:
        longest: seconds of a part.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._held: list[tuple[int, Frame]] = []
        self._added, self._start, self._begins, self._every = 0, 0.0, True, EVERY

    def add(self, frame: Frame) -> None:
        """Take a frame."""
        if not self._added:
            self._start = frame.seconds
        if not self._held or frame.seconds >= self._held[-1][1].seconds + EVERY - 1e-6:
            self._held.append((self._added, reduced(frame)))
        self._added += 1

    def ended(self, cuts: Iterable[Place], certain: Place) -> Iterator[ShotFrames]:
        """Yield what ended.

        Args:
            cuts: where shots begin, as far as that is new.
            certain: no other begins before this place.
        """
        for cut in cuts:
            yield from self._until(cut, begins=True)
        if certain.seconds >= self._start + 1.5 * self._longest:
            middle = self._start + self._longest
            later = (Place(at, frame.seconds) for at, frame in self._held[1:] if frame.seconds >= middle)
            place = next(later, None)
            if place is not None and place.frame <= certain.frame:
                missed = place.seconds >= middle + self._longest  # its first frame was shown all the time
                yield from self._until(place if missed else Place(place.frame, middle))
        self._thin(certain.frame)

    def rest(self, end: Place) -> Iterator[ShotFrames]:
        """Yield what is left at the end of the film."""
        if self._added:
            yield from self._until(end)

    def _until(self, place: Place, *, begins: bool = False) -> Iterator[ShotFrames]:
        """Yield the shot up to a place; none if it is too short to have a frame.

        Args:
            place: where the next one begins.
            begins: whether a shot begins there, rather than a part of this one.
        """
        frames = tuple(frame for at, frame in self._held if at < place.frame)
        if frames:
            yield ShotFrames(self._start, place.seconds, frames, self._begins)
            self._held = self._held[len(frames) :]
            self._start, self._begins, self._every = place.seconds, begins, EVERY

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
