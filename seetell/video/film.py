"""Files, read by FFmpeg's libraries through PyAV.

A file may be hostile: it is opened here and handed over, so that nothing in it opens another file or an address, and
only formats of films are tried; the pixels of a frame are limited before it is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from seetell.errors import VideoError
from seetell.regular_file import NotRegularError, open_regular
from seetell.video.decoding import Damage, decoded_frames, quarter_turns, reason, stated_length, unreadable
from seetell.video.frames import PICTURES_PER_SECOND, Frame, Video, check_size, missing

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,gif,apng,ivf,dv,h264,hevc,av1,obu,m4v,"
    "mjpeg,yuv4mpegpipe,mxf,rm,wtv,swf"
)
"""FFmpeg's names of the formats that are opened; none of them is a list of other files."""


class Film(Video):
    """A file; see :func:`~seetell.video.frames.open_video`.

    Args:
        name: its path.
        threads: that decode.
        max_pixels: most pixels of a frame.

    Raises:
        VideoError: it is missing, no film, its frames are too large, or none can be decoded.
    """

    def __init__(self, name: str, *, threads: int, max_pixels: int) -> None:
        self.name, self._threads, self._max_pixels = name, threads, max_pixels
        self._open: dict[InputContainer, BinaryIO] = {}
        container, stream = self._opened()
        try:
            rate = stream.average_rate or stream.guessed_rate
            self.fps = float(rate) if rate and 0 < rate <= 1000 else PICTURES_PER_SECOND
            self.frame_count = stream.frames or None
            self._length = stated_length(container, stream)
            first = next(decoded_frames(container, stream, Damage()), None)
            if first is None:
                raise VideoError(f"{name}: no frame can be decoded; the file is damaged or empty")
            self._start = first.pts
            turned = quarter_turns(first) % 2
            self._stored = first.width, first.height
            self.size = (first.height, first.width) if turned else (first.width, first.height)
        except FFmpegError as error:
            raise unreadable(name, error) from error
        finally:
            self._close(container)

    @property
    def seconds(self) -> float | None:
        """Length, as the file says; ``None`` where it does not."""
        return self._length if self._length is not None else super().seconds

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield the frames; see :meth:`Video.frames`."""
        self.problem, damage, index, shown = "", Damage(), -1, 0.0
        container, stream = self._opened()
        try:
            if start > 0:
                _seek(container, stream, self._start or 0, start)
            for place, decoded in enumerate(decoded_frames(container, stream, damage)):
                shown = max(shown, self._time(decoded, shown + 1 / self.fps if place else 0.0))
                if shown < start - 1e-6:
                    continue
                index = index + 1 if index >= 0 or start <= 0 else round(shown * self.fps)
                yield Frame(index, shown, self._image(decoded))
        except FFmpegError as error:
            damage.ended = reason(error)
        finally:
            self._close(container)
        whole = (self.frame_count, self._length) if start <= 0 else (None, None)
        self.problem = damage.told(index + 1, shown + 1 / self.fps, *whole)
        if index < 0 and start <= 0:
            raise VideoError(f"{self.name}: no frame can be decoded; {self.problem or 'the file is damaged'}")

    def close(self) -> None:
        """Close the file."""
        for container in [*self._open]:
            self._close(container)

    def _opened(self) -> tuple[InputContainer, VideoStream]:
        name = self.name
        file = _regular(name)
        try:
            container = av.open(
                file, "r", options={"format_whitelist": FORMATS}, io_open=_refuse, metadata_errors="replace"
            )
        except (FFmpegError, OSError, ValueError) as error:
            file.close()
            raise unreadable(name, error) from error
        self._open[container] = file
        try:
            return container, self._stream(container)
        except BaseException:
            self._close(container)
            raise

    def _stream(self, container: InputContainer) -> VideoStream:
        films = [stream for stream in container.streams.video if not stream.disposition & _COVER]
        if not films:
            raise VideoError(f"{self.name}: has no moving picture; expected a video")
        stream = films[0]
        if stream.codec_context is None:
            raise VideoError(f"{self.name}: is in a format that cannot be decoded")
        if stream.codec_context.width:
            check_size(self.name, stream.codec_context.width, stream.codec_context.height, self._max_pixels)
        stream.codec_context.options = {"max_pixels": str(self._max_pixels)}
        stream.codec_context.thread_count = self._threads
        stream.thread_type = "AUTO" if self._threads > 1 else "SLICE"
        return stream

    def _close(self, container: InputContainer) -> None:
        if container in self._open:
            container.close()
            self._open.pop(container).close()

    def _time(self, frame: VideoFrame, expected: float) -> float:
        """Return when a frame is shown, in seconds; as expected where it does not say."""
        if frame.pts is None or frame.time_base is None:
            return expected
        return float((frame.pts - (self._start or 0)) * frame.time_base)

    def _image(self, frame: VideoFrame) -> np.ndarray:
        """Return a frame upright, ``(H, W, 3)``."""
        width, height = self._stored
        pixels = frame.reformat(width, height, format="rgb24").to_ndarray()
        turns = quarter_turns(frame)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def _seek(container: InputContainer, stream: VideoStream, origin: int, start: float) -> None:
    """Go to the last frame before a time from which decoding can begin; where that is impossible, stay."""
    base = stream.time_base
    if base is None:
        return
    try:
        container.seek(origin + int(start / base), stream=stream, backward=True)
    except FFmpegError:
        container.seek(0)


_COVER = av.stream.Disposition.attached_pic


def _refuse(url: str, flags: int, options: Any) -> BinaryIO:
    """Refuse what a file asks to open."""
    raise OSError(f"a video does not open {url!r}")


def _regular(name: str) -> BinaryIO:
    """Open a regular file; a pipe or device is refused before it can block.

    Raises:
        VideoError: it is none, or cannot be read.
    """
    try:
        if "\0" in name:
            raise VideoError(f"{name}: no file name has a zero byte")
        return open_regular(name)
    except NotRegularError as error:
        raise VideoError(f"{name}: is a pipe or device; expected a video file") from error
    except FileNotFoundError as error:
        raise missing(name) from error
    except OSError as error:
        raise VideoError(f"{name}: cannot be read ({error.strerror})") from error
