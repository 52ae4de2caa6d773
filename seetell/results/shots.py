"""What happens in a video: its shots, with a sentence for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from seetell.results.items import Items
from seetell.results.text import Caption


@dataclass(frozen=True)
class Shot:
    """A part of a video that is described by one sentence.

    Attributes:
        start: seconds from the beginning of the video.
        end: seconds, where the next one begins.
        key_frame: seconds; the frame that the sentence describes, or the middle one of those that it does.
        caption: the sentence, or why it is withheld.
    """

    start: float
    end: float
    key_frame: float
    caption: Caption

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON: the times, and the fields of the caption but for its model."""
        said = self.caption.to_dict()
        del said["model"]
        times = {"from": round(self.start, 3), "to": round(self.end, 3), "key_frame": round(self.key_frame, 3)}
        return {**times, **said}


@dataclass(frozen=True)
class Shots(Items[Shot]):
    """The shots of a video in their order; iterable.

    Attributes:
        shots: without gaps between them.
        size: width and height of the upright frames in pixels.
        fps: frames a second, on average.
        frame_count: frames that were read.
        model: name of what described them.
        problem: why the video was not read to its end, or not without loss; empty if it was.
    """

    shape: ClassVar[str] = "shots"
    shots: tuple[Shot, ...]
    size: tuple[int, int]
    fps: float
    frame_count: int
    model: str
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain types ready for JSON; ``problem`` only if there is one."""
        content: dict[str, Any] = {
            "shots": [shot.to_dict() for shot in self.shots],
            "size": list(self.size),
            "fps": round(self.fps, 6),
            "frame_count": self.frame_count,
            "model": self.model,
        }
        return content | ({"problem": self.problem} if self.problem else {})
