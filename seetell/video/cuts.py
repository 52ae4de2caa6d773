"""Find where one shot of a film ends and the next begins, from colour histograms, while the film is read.

The colours of the frames before a place are compared with those after it, medians of a third of a second each: a cut
gives a peak that is as high as the shots differ, a dissolve a lower and broader one, and a flash or a thing that
rushes past none, at nine frames a second or more. A place is a boundary where the difference peaks above a threshold
that adapts to the film around it, as in Yusoff, Christmas and Kittler, "Video Shot Cut Detection Using Adaptive
Thresholding", BMVC 2000.

Frames may be shown for different times, such as those of a screen recording, which has none while nothing changes. So
places are ticks of a clock: what is shown for long has several, and of frames within one tick the first counts.

Letters: ``w`` ticks on each side of a place.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import numpy as np

BINS = 5
"""Of each of red, green and blue."""

REGIONS = 3
"""Rows and columns of regions of a frame, each with a histogram, so that the same colours elsewhere differ too."""

POINTS = 64
"""Pixels sampled along the longer side of a frame."""

WINDOW_SECONDS = 0.33
"""On each side of a place."""

SLOWEST, QUICKEST = 3 / WINDOW_SECONDS, 60.0
"""Ticks a second, whatever the frames are; in between, as many as frames."""

SHOWN_ON, BETWEEN = -1, -2
"""Stand for ticks at which no frame begins: where one would in a film of equal frames, and between those."""

LEAST_DIFFERENCE = 0.3
"""Share of the colours that changes at a boundary at least."""

TIMES_AROUND = 2.0
"""A boundary stands out from the median difference around it by this factor."""

SHARP = 0.5
"""Share of the difference at a boundary that lies between two frames, where it is a cut and no dissolve."""


def colour_histogram(image: np.ndarray) -> np.ndarray:
    """Return the colours of a frame by region, smoothed over neighbouring bins.

    Args:
        image: ``(H, W, 3)`` uint8.

    Returns:
        ``(REGIONS² · BINS³,)`` float32, which sums to 1.
    """
    step = max(1, max(image.shape[:2]) // POINTS)
    points = image[step // 2 :: step, step // 2 :: step].astype(np.float32) * ((BINS - 1) / 255)  # (h, w, 3)
    height, width = points.shape[:2]
    region = (np.arange(height) * REGIONS // height)[:, None] * REGIONS + np.arange(width) * REGIONS // width
    low = np.minimum(points.astype(np.int64), BINS - 2)
    upper = points - low  # share of the upper of the two bins that a value lies between
    shares = np.stack([1 - upper, upper])  # (2, h, w, 3)
    first = low @ np.array([BINS**2, BINS, 1]) + region * BINS**3
    corners = np.array([*np.ndindex(2, 2, 2)])
    places = first[None] + (corners @ np.array([BINS**2, BINS, 1]))[:, None, None]  # (8, h, w)
    weights = np.stack([shares[r, ..., 0] * shares[g, ..., 1] * shares[b, ..., 2] for r, g, b in corners])
    found = np.bincount(places.ravel(), weights.ravel(), REGIONS**2 * BINS**3)
    return np.asarray(found / (height * width), np.float32)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of the colours in which two histograms differ, between 0 and 1."""
    return float(np.abs(one - other).sum()) / 2


def typical(histograms: np.ndarray) -> np.ndarray:
    """Return the median of histograms ``(w, D)`` in each bin: what is in few of the frames, such as a flash, is not."""
    ordered = np.sort(histograms, axis=0)
    return np.asarray((ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2)


class Place(NamedTuple):
    """A place in a film.

    Attributes:
        frame: the one that begins there, among those that were read.
        seconds: when it is shown.
    """

    frame: int
    seconds: float


class CutFinder:
    """Takes the frames of a film one by one, and tells boundaries as soon as they are certain.

    Args:
        fps: frames a second, on average.
        shortest: seconds of a shot.

    Attributes:
        certain: no boundary will be told before this place.
    """

    def __init__(self, fps: float, shortest: float) -> None:
        self._rate = min(max(fps, SLOWEST), QUICKEST)  # ticks a second
        self._frame_seconds, self._frame_ticks = 1 / fps, max(1, round(self._rate / fps))
        self._window = round(self._rate * WINDOW_SECONDS)
        self._around = 3 * self._window
        self._ahead = self._window + self._around
        self._reach = self._window // 2  # of a boundary to where it is sharpest
        self._lag = self._ahead + self._reach + 1
        self.certain = Place(0, 0.0)
        self._shortest = shortest
        self._origin, self._clock, self._end = 0.0, 0, 0.0  # seconds at the beginning; ticks and seconds by now
        self._taken = 0  # frames
        self._added = 0  # ticks
        self._next = 1  # the next tick that may be a boundary
        self._cut = 0.0  # seconds of the last boundary
        self._colours: deque[np.ndarray] = deque(maxlen=2 * self._window)
        # of each tick from _begin on: which frame begins, or SHOWN_ON or BETWEEN, and when; how the colours differ from
        # those of the tick before; and how the windows on both sides differ
        self._frames: list[Place] = []
        self._steps: list[float] = []
        self._peaks: list[float] = []
        self._begin = 0

    def add(self, image: np.ndarray, seconds: float) -> list[Place]:
        """Take a frame.

        Args:
            image: ``(H, W, 3)`` uint8.
            seconds: when it is shown.

        Returns:
            The places at which shots begin, where that is new.
        """
        if not self._taken:
            self._origin = self._cut = seconds
        if not self._taken or self._show_until(seconds):
            self._tick(colour_histogram(image), Place(self._taken, seconds))
        self._taken += 1
        self._end = seconds + self._frame_seconds
        return self._decided(self._added - self._ahead)

    def finish(self, end: float | None = None) -> list[Place]:
        """Return the other places at which shots begin.

        Args:
            end: seconds at which the film ends, if that is later than the frame rate says.
        """
        self._end = max(self._end, end or 0.0)
        if self._taken:
            self._show_until(self._end)
        for tick in range(max(0, self._added - self._window + 1), self._added):
            self._compare(tick)
        found = self._decided(self._added, latest=self._end - self._shortest)
        self.certain = Place(self._taken, self._end)
        return found

    def _show_until(self, seconds: float) -> bool:
        """Show the last frame until then, if that is a later tick; return whether it is."""
        clock = round((seconds - self._origin) * self._rate)
        ticks, self._clock = clock - self._clock, max(clock, self._clock)
        for after in range(1, min(ticks, 2 * self._lag)):  # what is shown for longer is compared with nothing else
            self._tick(self._colours[-1], Place(BETWEEN if after % self._frame_ticks else SHOWN_ON, 0.0))
        return ticks > 0

    def _tick(self, colours: np.ndarray, frame: Place) -> None:
        changed = bool(self._colours) and frame.frame >= 0
        self._steps.append(difference(self._colours[-1], colours) if changed else 0.0)
        self._colours.append(colours)
        self._frames.append(frame)
        self._added += 1
        if self._added >= self._window:
            self._compare(self._added - self._window)

    def _compare(self, tick: int) -> None:
        """Note the difference of what is shown before a tick and from it on."""
        first = self._added - len(self._colours)
        colours = np.stack(self._colours)
        before = colours[max(0, tick - self._window - first) : tick - first]
        after = colours[tick - first : tick + self._window - first]
        enough = len(before) and len(after)
        self._peaks.append(difference(typical(before), typical(after)) if enough else 0.0)

    def _decided(self, end: int, latest: float = math.inf) -> list[Place]:
        """Return the boundaries before a tick, none of them after ``latest``; forget what is too old to matter."""
        found = []
        while self._next < end:
            if self._is_boundary(self._next):
                place = self._frames[self._sharpened(self._next) - self._begin]
                if self._cut + self._shortest - 1e-6 <= place.seconds <= latest + 1e-6:
                    found.append(place)
                    self._cut = place.seconds
            self._next += 1
        open_ticks = self._frames[max(0, self._next - self._reach - self._begin) :]
        self.certain = next((frame for frame in open_ticks if frame.frame >= 0), self.certain)
        keep = max(self._begin, min(self._next, end) - self._lag)
        for kept in (self._frames, self._steps, self._peaks):
            del kept[: keep - self._begin]
        self._begin = keep
        return found

    def _is_boundary(self, tick: int) -> bool:
        at = tick - self._begin
        peak = self._peaks[at]
        if self._frames[at].frame < 0 or peak < LEAST_DIFFERENCE:
            return False
        first = max(0, at - self._around)
        around = [
            (abs(other - at) <= self._window, value)
            for other, value in enumerate(self._peaks[first : at + self._around + 1], first)
            if self._frames[other].frame != BETWEEN
        ]
        if peak < max(value for is_near, value in around if is_near):
            return False
        return peak >= TIMES_AROUND * float(np.median([value for is_near, value in around if not is_near] or [0.0]))

    def _sharpened(self, tick: int) -> int:
        """Return where a boundary is, to the frame if it is a cut."""
        at = tick - self._begin
        first = max(at - self._reach, 0)
        steps = self._steps[first : at + self._reach + 1]
        sharpest = int(np.argmax(steps))
        return self._begin + first + sharpest if steps[sharpest] >= SHARP * self._peaks[at] else tick
