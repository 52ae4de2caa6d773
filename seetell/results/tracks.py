"""What moves in a video: where each object is, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from seetell.results.items import Items


@dataclass(frozen=True, eq=False)
class Track:
    """One object in the frames in which it is seen, ``N`` of them, at least one.

    Attributes:
        id: its number in the video, from 1.
        text: what it is, such as the name of a class; empty where nobody says.
        frames: indices of the frames, from 0, ascending, ``(N,)`` int64.
        seconds: of each of them from the beginning of the video, ``(N,)`` float64.
        boxes: where it is, ``xyxy`` in pixels of the upright frame, ``(N, 4)`` float64; may extend beyond it.
        scores: confidence in each, ``(N,)`` float64.
        masks: its pixels in each as COCO's compressed run lengths, see :class:`~seetell.results.Mask`; empty where
            there are none.
    """

    id: int
    text: str
    frames: np.ndarray
    seconds: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    masks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def score(self) -> float:
        """Mean confidence."""
        return float(self.scores.mean())

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``masks`` only if there are any."""
        content: dict[str, Any] = {
            "id": self.id,
            "text": self.text,
            "score": round(self.score, 6),
            "from": round(float(self.seconds[0]), 3),
            "to": round(float(self.seconds[-1]), 3),
            "frames": self.frames.tolist(),
            "seconds": self.seconds.round(3).tolist(),
            "boxes": self.boxes.round(2).tolist(),
            "scores": self.scores.round(6).tolist(),
        }
        return content | ({"masks": list(self.masks)} if self.masks else {})


@dataclass(frozen=True)
class Crossing:
    """An object crosses a line.

    Attributes:
        id: the object's.
        text: what it is.
        frame: the first on the other side.
        seconds: when that is shown.
        direction: to the ``left`` or to the ``right`` of one who goes along the line.
    """

    id: int
    text: str
    frame: int
    seconds: float
    direction: Literal["left", "right"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON."""
        return {
            "id": self.id,
            "text": self.text,
            "frame": self.frame,
            "seconds": round(self.seconds, 3),
            "direction": self.direction,
        }


Line = tuple[tuple[float, float], tuple[float, float]]
"""From one point to another, x and y in pixels."""


@dataclass(frozen=True, eq=False)
class Tracks(Items[Track]):
    """The objects that were followed through a video; iterable.

    Attributes:
        tracks: in the order in which they are first seen.
        size: width and height of the upright frames in pixels.
        fps: frames a second, on average.
        frame_count: frames that were read.
        model: name of what followed them.
        problem: why the video could not be read to its end, or without loss; empty if it could.
        line: at which objects were counted; ``None`` if that was not asked for.
        crossings: of the line, in the order of time.
        left_out: objects that are not among the tracks, since they were seen for too short a time.
    """

    shape: ClassVar[str] = "tracks"
    tracks: tuple[Track, ...]
    size: tuple[int, int]
    fps: float
    frame_count: int
    model: str
    problem: str = ""
    line: Line | None = None
    crossings: tuple[Crossing, ...] = ()
    left_out: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``line``, ``crossings`` and ``problem`` only if there are any."""
        content: dict[str, Any] = {
            "tracks": [track.to_dict() for track in self.tracks],
            "size": list(self.size),
            "fps": round(self.fps, 6),
            "frame_count": self.frame_count,
            "model": self.model,
        }
        if self.line is not None:
            content["line"] = [list(point) for point in self.line]
            content["crossings"] = [crossing.to_dict() for crossing in self.crossings]
        return content | ({"problem": self.problem} if self.problem else {})

    @property
    def crossed(self) -> str:
        """How many crossed the line in each direction, in words; empty if that was not asked for."""
        if self.line is None:
            return ""
        left = sum(crossing.direction == "left" for crossing in self.crossings)
        return f"{left} to the left of the line, {len(self.crossings) - left} to the right"
