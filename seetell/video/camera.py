"""Cameras, read by FFmpeg's libraries through PyAV."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import av
from av.error import FFmpegError

from seetell.video.decoding import Damage, decoded_frames, reason, unreadable
from seetell.video.frames import CAMERA, PICTURES_PER_SECOND, Frame, Video, check_size

_DEVICES = {"linux": ("v4l2", "/dev/video"), "darwin": ("avfoundation", ""), "win32": ("dshow", "video=")}
"""By platform: FFmpeg's format of cameras, and what stands before the number or name of one."""


class Camera(Video):
    """A camera, such as ``camera:0``, which yields frames until the reader stops.

    Args:
        name: ``camera:`` and the number of the camera, or on Windows its name.
        max_pixels: most pixels of a frame.

    Raises:
        VideoError: there is none, or it cannot be used.
    """

    frame_count = None

    def __init__(self, name: str, *, max_pixels: int) -> None:
        self.name = name
        kind, prefix = _DEVICES.get(sys.platform, _DEVICES["linux"])
        try:
            self._container = av.open(prefix + name.removeprefix(CAMERA), "r", format=kind)
            self._stream = self._container.streams.video[0]
        except (FFmpegError, OSError, ValueError, IndexError) as error:
            raise unreadable(name, error) from error
        context = self._stream.codec_context
        check_size(name, context.width, context.height, max_pixels)
        self.size = context.width, context.height
        self.fps = float(self._stream.average_rate or PICTURES_PER_SECOND)
        self._stopped = False

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield the frames as they come; see :meth:`Video.frames`."""
        self.problem, first, damage = "", None, Damage()
        try:
            for index, decoded in enumerate(decoded_frames(self._container, self._stream, damage)):
                if self._stopped:
                    return
                now = float(decoded.time) if decoded.time is not None else index / self.fps
                first = now if first is None else first
                if now - first >= start:
                    yield Frame(index, now - first, decoded.to_ndarray(format="rgb24"))
        except FFmpegError as error:
            self.problem = reason(error)

    def stop(self) -> None:
        """Let the reading end with the next frame; what was found in it until then is kept."""
        self._stopped = True

    def close(self) -> None:
        """Release the camera."""
        self._container.close()
