"""What goes wrong while the frames of a film are decoded, and what a film says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from seetell.errors import VideoError
from seetell.photos.formats import is_photo_name
from seetell.video.frames import photo_named

MOST_DAMAGED = 1000
"""Packets in a row that give no frame before reading is given up."""

ENDS_EARLY = 0.98
"""A reading that has a smaller share of the frames that the file says it has ended early."""


class Damage:
    """What went wrong in a reading.

    Attributes:
        packets: that could not be decoded.
        frames: that were decoded with loss.
        ended: why it stopped, if that was no proper end.
    """

    def __init__(self) -> None:
        self.packets, self.frames, self.ended = 0, 0, ""

    def told(self, read: int, seconds: float, stated: int | None, length: float | None) -> str:
        """Return it in words.

        Args:
            read: frames that were read.
            seconds: that they last.
            stated: frames that the file says it has, if it does.
            length: seconds that it says it lasts, if it does.
        """
        parts = [self.ended] if self.ended else []
        if stated and read < ENDS_EARLY * stated - 1:
            parts.append(f"{read:,} of {stated:,} frames could be read")
        elif length and not stated and seconds < ENDS_EARLY * length - 2:
            parts.append(f"ends after {seconds:.1f} of {length:.1f} seconds")
        damaged = self.packets + self.frames
        if damaged:
            parts.append(f"{damaged:,} {'frame is' if damaged == 1 else 'frames are'} damaged")
        return "; ".join(parts)


def decoded_frames(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[VideoFrame]:
    """Yield the frames of a stream; packets that cannot be decoded are counted and left out."""
    in_a_row = 0
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except FFmpegError as error:
            damage.packets, in_a_row = damage.packets + 1, in_a_row + 1
            if in_a_row >= MOST_DAMAGED:
                damage.ended = reason(error)
                return
            continue
        for frame in frames:
            in_a_row = 0
            damage.frames += bool(frame.is_corrupt)
            yield frame


def quarter_turns(frame: VideoFrame) -> int:
    """Return by how many quarters of a turn, counter-clockwise, a frame is to be shown."""
    return round(frame.rotation / 90) % 4


def stated_length(container: InputContainer, stream: VideoStream) -> float | None:
    """Return the seconds that a file says it lasts."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if not container.duration or container.duration < 0:
        return None
    seconds = container.duration / av.time_base
    if "matroska" in container.format.name and stream.start_time and stream.time_base:
        first = float(stream.start_time * stream.time_base)  # FFmpeg writes as length when the film ends
        return seconds - first if 0 < first < seconds else seconds
    return seconds


def unreadable(name: str, error: Exception) -> VideoError:
    """Return the error of a video that cannot be opened."""
    if os.path.isfile(name) and not os.path.getsize(name):
        return VideoError(f"{name}: the file is empty")
    if is_photo_name(name):
        return photo_named(name)
    return VideoError(f"{name}: is no video that can be read ({reason(error)})")


def reason(error: Exception) -> str:
    """Return what an error of FFmpeg or of the system says, as a part of a sentence."""
    return (getattr(error, "strerror", None) or str(error)).strip().rstrip(".").lower()
