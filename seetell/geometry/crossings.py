"""Objects that cross a line in a video."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np

from seetell.errors import UsageError
from seetell.results import Crossing, Line, Track


def crossings(tracks: Iterable[Track], line: Line) -> tuple[Crossing, ...]:
    """Return where objects cross a line, in the order of time.

    An object is where it stands: at the middle of the lower edge of its box. One that only touches the line has not
    crossed it.

    Args:
        tracks: of a video.
        line: not a point.
    """
    found = [crossing for track in tracks for crossing in _of_track(track, np.array(line, np.float64))]
    return tuple(sorted(found, key=lambda crossing: (crossing.frame, crossing.id)))


def _of_track(track: Track, line: np.ndarray) -> list[Crossing]:
    feet = np.column_stack([(track.boxes[:, 0] + track.boxes[:, 2]) / 2, track.boxes[:, 3]])
    along = line[1] - line[0]
    side = np.sign(_cross(along, feet - line[0]))  # positive to the right, since y grows downwards
    on_a_side = np.flatnonzero(side)
    found = []
    for before, after in itertools.pairwise(on_a_side):
        if side[before] == side[after]:
            continue
        way = feet[after] - feet[before]
        ends = np.sign(_cross(way, line - feet[before]))
        if ends[0] != ends[1] or not ends.any():
            frame, seconds = int(track.frames[after]), float(track.seconds[after])
            found.append(Crossing(track.id, track.text, frame, seconds, "right" if side[after] > 0 else "left"))
    return found


def _cross(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the cross products of vectors ``(…, 2)``."""
    product: np.ndarray = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return product


def parse_line(text: str) -> Line:
    """Read a line from a text such as ``0,300,768,300``: x and y of its two ends.

    Raises:
        UsageError: it is none.
    """
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"expected a line x1,y1,x2,y2 in pixels, such as 0,300,768,300; got {text!r}") from error
    if not np.isfinite([x0, y0, x1, y1]).all() or (x0, y0) == (x1, y1):
        raise UsageError(f"expected a line between two points, got {text!r}")
    return (x0, y0), (x1, y1)
