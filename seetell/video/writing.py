"""Write a video frame by frame, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from seetell.atomic_write import atomic_file
from seetell.errors import SeetellError, UsageError
from seetell.video.endings import WRITTEN

TIME_BASE = Fraction(1, 1000)
QUALITY = {"crf": "23", "preset": "veryfast"}
"""Of x264."""
QUALITY_VP9 = {"crf": "32", "deadline": "realtime", "cpu-used": "6"}


class VideoWriter:
    """Takes the frames of a video that is being written; see :func:`write_video`."""

    def __init__(self, container: OutputContainer, codec: str, size: tuple[int, int], fps: float) -> None:
        self._container = container
        rate = Fraction(fps).limit_denominator(1001)
        options = QUALITY_VP9 if codec == "vp9" else QUALITY
        self._stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=options))
        self._stream.width, self._stream.height = (side + side % 2 for side in size)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = TIME_BASE
        self._size, self._last = size, -1

    def add(self, image: np.ndarray, seconds: float) -> None:
        """Add a frame.

        Args:
            image: ``(H, W, 3)`` uint8 RGB of the video's size; a column or row is repeated where a side is odd.
            seconds: when it is shown; no earlier than the one before.
        """
        height, width = image.shape[:2]
        if (width, height) != self._size:
            raise ValueError(f"expected a frame of {self._size} pixels, got {(width, height)}")
        frame = VideoFrame.from_ndarray(np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))
        self._last = max(self._last + 1, round(seconds / TIME_BASE))
        frame.pts, frame.time_base = self._last, TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder holds back."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def write_video(path: Path, *, size: tuple[int, int], fps: float) -> Iterator[VideoWriter]:
    """Write a video, which replaces ``path`` when the block ends; a failing block leaves nothing.

    Args:
        path: its ending is one of :data:`~seetell.video.endings.WRITTEN`.
        size: width and height of the frames in pixels.
        fps: frames a second, on average.

    Raises:
        UsageError: no video is written with this ending.
        SeetellError: the file cannot be written.
    """
    kind = WRITTEN.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: expected the name of a video in {', '.join(WRITTEN)}")
    form, codec = kind
    try:
        with atomic_file(path) as file, av.open(file, "w", format=form) as container:
            writer = VideoWriter(container, codec, size, fps)
            yield writer
            writer.finish()
    except (OSError, FFmpegError) as error:
        raise SeetellError(f"{path}: cannot be written ({error.strerror or error})") from error
