"""Read a video of unknown origin frame by frame: upright, RGB, with the time of each frame, or a clear error.

>>> from seetell.video.frames import open_video
>>> with open_video("walk.mp4") as video:
...     for frame in video:
...         print(frame.index, frame.seconds, frame.image.shape)

A folder of pictures, a pattern such as ``frames/*.jpg`` and arrays are videos too, and need no further package. One
frame is held at a time, so an hour takes no more memory than a second.
"""

from __future__ import annotations

import glob
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from seetell.errors import UsageError, VideoError
from seetell.photos.formats import is_photo_name
from seetell.video.endings import is_video_name

MAX_PIXELS = 40_000_000
"""Most pixels of a frame; 8K has 33 million."""

CAMERA = "camera:"
"""Stands before the number of a camera."""

PICTURES_PER_SECOND = 25.0
"""Of pictures whose rate nobody says."""

SLOWEST, QUICKEST = 0.001, 1000.0
"""Frames a second that pictures may be said to have; times are written in thousandths of a second."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of a video.

    Attributes:
        index: its place among the frames, from 0.
        seconds: when it is shown, from the first frame on.
        image: upright, ``(H, W, 3)`` uint8 RGB.
    """

    index: int
    seconds: float
    image: np.ndarray


class Video(ABC):
    """A video that can be read, also several times; a context manager.

    Attributes:
        name: as the user named it.
        size: width and height of the upright frames in pixels.
        fps: frames a second, on average.
        frame_count: as the file says; ``None`` where it does not.
        problem: why the last reading ended before its time, or with loss; empty if it did not.
    """

    name: str
    size: tuple[int, int]
    fps: float
    frame_count: int | None
    problem: str = ""

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    @property
    def seconds(self) -> float | None:
        """Length, as the file says; ``None`` where it does not."""
        return None if self.frame_count is None else self.frame_count / self.fps

    @property
    def end(self) -> float | None:
        """Second at which it ends, as the file says; ``None`` where it does not, or was not read to there."""
        return None if self.problem else self.seconds

    @abstractmethod
    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield the frames in the order in which they are shown.

        What is damaged is left out, and a file that was cut off ends there; :attr:`problem` then says so.

        Args:
            start: seconds; frames before are not read where the format permits that. The index of the first is then
                told from its time.

        Raises:
            VideoError: no frame can be read.
        """

    def stop(self) -> None:  # noqa: B027
        """Let the reading of a camera end; what has an end is read to it."""

    def close(self) -> None:  # noqa: B027
        """Close what is open; a reading that goes on ends."""


def open_video(
    source: str | os.PathLike[str] | Sequence[np.ndarray],
    *,
    fps: float | None = None,
    threads: int = 1,
    max_pixels: int = MAX_PIXELS,
) -> Video:
    """Open a video.

    Args:
        source: a file; a folder of pictures, in the order of their names, numbers by value; a pattern of such; arrays
            ``(H, W, 3)`` uint8 of one size; or ``camera:0``.
        fps: frames a second of pictures; a folder of MOT challenge says its own, 25 otherwise.
        threads: that decode a file.
        max_pixels: most pixels of a frame.

    Raises:
        VideoError: it is missing, no video, broken, or its frames are too large.
        UsageError: PyAV is not installed, which reads files; the message says how to install it. Or ``fps`` is below
            :data:`SLOWEST` or above :data:`QUICKEST`.
    """
    from seetell.video.pictures import Arrays, Pictures, pictures_of

    if fps is not None and not SLOWEST <= fps <= QUICKEST:
        raise UsageError(f"fps: expected a number from {SLOWEST:g} to {QUICKEST:g}, got {fps:g}")
    if not isinstance(source, str | os.PathLike):
        return Arrays(source, fps=fps or PICTURES_PER_SECOND)
    name = os.fspath(source)
    if os.path.isdir(name) or (glob.has_magic(name) and not os.path.lexists(name)):
        paths, stated = pictures_of(name)
        return Pictures(name, paths, fps=fps or stated or PICTURES_PER_SECOND, max_pixels=max_pixels)
    from seetell.extras import require

    if not name.startswith(CAMERA):
        _check_name(name)
    require("video", f"reading {name}")
    if name.startswith(CAMERA):
        from seetell.video.camera import Camera

        return Camera(name, max_pixels=max_pixels)
    from seetell.video.film import Film

    return Film(name, threads=threads, max_pixels=max_pixels)


def _check_name(name: str) -> None:
    """Check what can be told of a file without PyAV.

    Raises:
        VideoError: it is missing, or PyAV, which might read it all the same, is not installed and it is called a photo.
    """
    from seetell.extras import is_installed

    try:
        os.stat(name)
    except FileNotFoundError as error:
        raise missing(name) from error
    except (OSError, ValueError):
        pass  # which opening it explains
    if is_photo_name(name) and not is_video_name(name) and not is_installed("video"):
        raise photo_named(name)


def missing(name: str) -> VideoError:
    """Return the error of a video that is not there."""
    return VideoError(f"{name}: no such file or folder")


def photo_named(name: str) -> VideoError:
    """Return the error of a file that is no video, and has the name of a photo."""
    return VideoError(
        f"{name}: has the name of a photo; expected a video, or a folder of its pictures: photos and videos are taken "
        "by separate commands"
    )


def frame_at(source: str | os.PathLike[str], seconds: float) -> np.ndarray:
    """Return the first frame of a video that is shown at a time or later, ``(H, W, 3)`` uint8 RGB.

    Args:
        source: see :func:`open_video`.
        seconds: from its beginning.

    Raises:
        VideoError: the video cannot be used, or has no frame there.
        UsageError: PyAV is not installed.
    """
    with open_video(source) as video:
        for frame in video.frames(seconds):
            return frame.image
    raise VideoError(f"{os.fspath(source)}: has no frame at {seconds:g} seconds")


def check_size(name: str, width: int, height: int, max_pixels: int) -> None:
    """Check the size of a frame before it is decoded.

    Raises:
        VideoError: it is empty or too large.
    """
    if width < 1 or height < 1:
        raise VideoError(f"{name}: its frames have no size; it is damaged, or no video")
    if width * height > max_pixels:
        raise VideoError(f"{name}: has frames of {width}×{height} pixels; at most {max_pixels:,} pixels are taken")
