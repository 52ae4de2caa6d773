"""Find where one shot of a film ends and the next begins, from colour histograms, while the film is read.

The colours of the frames before a place are compared with those after it, medians of a third of a second each: a cut
gives a peak that is as high as the shots differ, a dissolve a lower and broader one, and a flash or a thing that
rushes past none. A place is a boundary where the difference peaks above a threshold that adapts to the film around it,
as in Yusoff, Christmas and Kittler, "Video Shot Cut Detection Using Adaptive Thresholding", BMVC 2000.

Frames may be shown for different times, such as those of a screen recording, which has none while nothing changes. So
places are ticks of a clock, and what is shown for long is compared as often as it would be in a film of equal frames.

Letters: ``w`` ticks on each side of a place.
"""

from __future__ import annotations

from collections import deque

import numpy as np

BINS = 5
"""Of each of red, green and blue."""

REGIONS = 3
"""Rows and columns of regions of a frame, each with a histogram, so that the same colours elsewhere differ too."""

POINTS = 64
"""Pixels sampled along the longer side of a frame."""

WINDOW_SECONDS, LEAST_WINDOW = 0.33, 3
"""On each side of a place, and its ticks at least."""

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


class CutFinder:
    """Takes the frames of a film one by one, and tells boundaries as soon as they are certain.

    Args:
        fps: frames a second, on average.
        shortest: seconds of a shot.

    Attributes:
        lag: a boundary is told at most so many frames later.
    """

    def __init__(self, fps: float, shortest: float) -> None:
        self._rate = max(fps, LEAST_WINDOW / WINDOW_SECONDS)  # ticks a second
        self._frame_ticks = max(1, round(self._rate / fps))
        self._window = max(LEAST_WINDOW, round(fps * WINDOW_SECONDS))
        self._around = 3 * self._window
        self._ahead = self._window + self._around
        self.lag = self._ahead + self._window // 2 + 1
        self._shortest = max(1, round(shortest * self._rate))
        self._last: tuple[int, float] = (-1, 0.0)  # place among the frames, and seconds
        self._shown, self._squares = 0.0, 0.0  # seconds that frames are shown, and their squares
        self._added = 0
        self._next = self._shortest  # the next tick that may be a boundary
        self._cut = 0  # the last boundary
        self._colours: deque[np.ndarray] = deque(maxlen=2 * self._window)
        self._frames: list[int] = []  # which frame begins at a tick, or SHOWN_ON or BETWEEN; from the tick _begin on
        self._steps: list[float] = []  # difference of each tick from the one before, from there on
        self._peaks: list[float] = []  # difference of the windows on both sides of each tick, from there on
        self._begin = 0

    def add(self, image: np.ndarray, seconds: float) -> list[int]:
        """Take a frame.

        Args:
            image: ``(H, W, 3)`` uint8.
            seconds: when it is shown.

        Returns:
            The places among the frames of those that begin a shot, where that is new.
        """
        colours, (place, before) = colour_histogram(image), self._last
        if place >= 0:
            shown = seconds - before
            self._shown, self._squares = self._shown + shown, self._squares + shown**2
            self._show(shown)
        self._last = (place + 1, seconds)
        self._tick(colours, place + 1)
        return self._decided(self._added - self._ahead)

    def finish(self) -> list[int]:
        """Return the places among the frames of the others that begin a shot."""
        if self._shown:  # the last frame as long as one is that is seen at some second of the film, on average
            self._show(self._squares / self._shown)
        for tick in range(max(0, self._added - self._window + 1), self._added):
            self._compare(tick)
        return self._decided(self._added, last=self._added - self._shortest)

    def _show(self, seconds: float) -> None:
        """Let the last frame be shown for so long; beyond what is compared with anything, its length is nothing new."""
        for after in range(1, min(round(seconds * self._rate), self.lag + self._shortest)):
            self._tick(self._colours[-1], BETWEEN if after % self._frame_ticks else SHOWN_ON)

    def _tick(self, colours: np.ndarray, frame: int) -> None:
        changed = bool(self._colours) and frame >= 0
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

    def _decided(self, end: int, last: int | None = None) -> list[int]:
        """Return the frames at boundaries before a tick, up to ``last``; forget what lies too far back to matter."""
        found = []
        while self._next < end:
            cut = self._sharpened(self._next) if self._is_boundary(self._next) else 0
            self._next += 1
            if cut - self._cut >= self._shortest and (last is None or cut <= last):
                found.append(self._frames[cut - self._begin])
                self._cut, self._next = cut, max(self._next, cut + self._shortest)
        keep = max(self._begin, self._next - self.lag)
        del self._steps[: keep - self._begin], self._peaks[: keep - self._begin], self._frames[: keep - self._begin]
        self._begin = keep
        return found

    def _is_boundary(self, tick: int) -> bool:
        at = tick - self._begin
        peak = self._peaks[at]
        if self._frames[at] < 0 or peak < LEAST_DIFFERENCE:
            return False
        first = max(0, at - self._around)
        around = [
            (abs(other - at) <= self._window, value)
            for other, value in enumerate(self._peaks[first : at + self._around + 1], first)
            if self._frames[other] != BETWEEN
        ]
        if peak < max(value for is_near, value in around if is_near):
            return False
        return peak >= TIMES_AROUND * float(np.median([value for is_near, value in around if not is_near] or [0.0]))

    def _sharpened(self, tick: int) -> int:
        """Return where a boundary is, to the frame if it is a cut."""
        reach, at = self._window // 2, tick - self._begin
        first = max(at - reach, 0)
        steps = self._steps[first : at + reach + 1]
        sharpest = int(np.argmax(steps))
        return self._begin + first + sharpest if steps[sharpest] >= SHARP * self._peaks[at] else tick
