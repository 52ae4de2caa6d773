"""Find where one shot of a film ends and the next begins, from colour histograms, while the film is read.

The colours of the frames before a place are compared with those after it, medians of a third of a second each: a cut
gives a peak that is as high as the shots differ, a dissolve a lower and broader one, and a flash or a thing that
rushes past none. A place is a boundary where the difference peaks above a threshold that adapts to the film around it,
as in Yusoff, Christmas and Kittler, "Video Shot Cut Detection Using Adaptive Thresholding", BMVC 2000.

Letters: ``w`` frames on each side of a place.
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

WINDOW_SECONDS = 0.33
"""On each side of a place."""

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
        fps: frames a second.
        min_frames: of a shot.

    Attributes:
        lag: a boundary is told at most so many frames later.
    """

    def __init__(self, fps: float, min_frames: int) -> None:
        self._window = max(3, round(fps * WINDOW_SECONDS))
        self._around = 3 * self._window
        self._ahead = self._window + self._around
        self.lag = self._ahead + self._window // 2 + 1
        self._min_frames = max(1, min_frames)
        self._added = 0
        self._next = self._min_frames  # the next place that may be a boundary
        self._colours: deque[np.ndarray] = deque(maxlen=2 * self._window)
        self._steps: list[float] = []  # difference of each frame from the one before, from the frame _begin on
        self._peaks: list[float] = []  # difference of the windows on both sides of each frame, from there on
        self._begin = 0

    def add(self, image: np.ndarray) -> list[int]:
        """Take a frame ``(H, W, 3)`` uint8; return the places of the frames that begin a shot, where that is new."""
        colours = colour_histogram(image)
        self._steps.append(difference(self._colours[-1], colours) if self._colours else 0.0)
        self._colours.append(colours)
        self._added += 1
        if self._added >= self._window:
            self._compare(self._added - self._window)
        return self._decided(self._added - self._ahead)

    def finish(self) -> list[int]:
        """Return the places of the other frames that begin a shot."""
        for place in range(max(0, self._added - self._window + 1), self._added):
            self._compare(place)
        found = self._decided(self._added)
        return [place for place in found if self._added - place >= self._min_frames]

    def _compare(self, place: int) -> None:
        """Note the difference of the frames before a place and from it on."""
        first = self._added - len(self._colours)
        colours = np.stack(self._colours)
        before = colours[max(0, place - self._window - first) : place - first]
        after = colours[place - first : place + self._window - first]
        enough = len(before) and len(after)
        self._peaks.append(difference(typical(before), typical(after)) if enough else 0.0)

    def _decided(self, end: int) -> list[int]:
        """Return the boundaries before a place; forget what lies too far back to matter."""
        found = []
        while self._next < end:
            if self._is_boundary(self._next):
                found.append(self._sharpened(self._next))
                self._next = found[-1] + self._min_frames
            else:
                self._next += 1
        keep = max(self._begin, self._next - self.lag)
        del self._steps[: keep - self._begin], self._peaks[: keep - self._begin]
        self._begin = keep
        return found

    def _is_boundary(self, place: int) -> bool:
        peaks, at = self._peaks, place - self._begin
        peak = peaks[at]
        if peak < LEAST_DIFFERENCE or peak < max(peaks[max(0, at - self._window) : at + self._window + 1]):
            return False
        before = peaks[max(0, at - self._around) : max(0, at - self._window)]
        after = peaks[at + self._window + 1 : at + self._around + 1]
        return peak >= TIMES_AROUND * float(np.median([*before, *after] or [0.0]))

    def _sharpened(self, place: int) -> int:
        """Return where a boundary is, to the frame if it is a cut."""
        reach, at = self._window // 2, place - self._begin
        first = max(at - reach, 0)
        steps = self._steps[first : at + reach + 1]
        sharpest = int(np.argmax(steps))
        return self._begin + first + sharpest if steps[sharpest] >= SHARP * self._peaks[at] else place
