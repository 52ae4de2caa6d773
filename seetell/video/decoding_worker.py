"""The process that decodes a video of a stranger: one that crashes or never ends costs only itself.

It is given the file's content on standard input, and answers with a description of the video, then with each frame, and
at the end with what went wrong; see :func:`~seetell.photos.decoding_worker.read_frame` for the form.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from seetell.errors import VideoError
from seetell.photos.decoding_worker import read_frame, write_frame
from seetell.video.frames import open_video


def main() -> None:
    """Decode one video."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the other process ends this one
    answers = sys.stdout.buffer
    request = read_frame(sys.stdin.buffer)
    if request is None:
        return
    head, content = request
    with _named(content) as path:
        del request, content
        try:
            with open_video(path, max_pixels=head["max_pixels"]) as video:
                described = {"size": video.size, "fps": video.fps, "frame_count": video.frame_count}
                write_frame(answers, {**described, "seconds": video.seconds})
                for frame in video:
                    write_frame(answers, {"index": frame.index, "seconds": frame.seconds}, frame.image.tobytes())
                write_frame(answers, {"problem": video.problem})
        except VideoError as error:
            write_frame(answers, {"error": str(error).removeprefix(f"{path}: ")})
        except MemoryError:
            write_frame(answers, {"error": "not enough memory to decode it"})


@contextmanager
def _named(content: bytes) -> Iterator[str]:
    """Make content a file with a path: in memory where the system has such files, or a temporary one."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("video")
        with open(descriptor, "wb", closefd=True) as file:
            file.write(content)
            file.flush()
            yield f"/proc/self/fd/{descriptor}"
        return
    descriptor, path = tempfile.mkstemp()
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        yield path
    finally:
        os.unlink(path)
