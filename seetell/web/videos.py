"""Videos of strangers: decoded in a process of their own, and predicted for within limits of length and time."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from seetell.errors import VideoError
from seetell.photos.decoding_worker import read_frame, write_frame
from seetell.runtime.video_predictor import VideoPredictor
from seetell.tasks.registry import Task
from seetell.video.frames import Frame, Video
from seetell.web.batching import Run, do_each
from seetell.web.errors import ApiError
from seetell.web.limits import Limits

WORKING_SHARE = 0.8
"""Of the time for an answer, after which the reading of a video stops, so that what there is can be answered."""

LEAST_SECONDS = 0.1
"""Of work on a video that has waited for others for longer than that."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from seetell.video.decoding_worker import main; main()"
)


@dataclass(frozen=True, eq=False)
class Sent:
    """A video that a client sent.

    Attributes:
        name: the client's name of the file.
        content: of the file.
        arrived: when, by the monotonic clock.
        left: set once nobody waits for the result.
    """

    name: str
    content: bytes
    arrived: float = field(default_factory=time.monotonic)
    left: threading.Event = field(default_factory=threading.Event)


class SentVideo(Video):
    """A video that another process decodes; it can be read once.

    Args:
        sent: by the client.
        max_pixels: most pixels of a frame.
        seconds: after which the process is ended.

    Raises:
        VideoError: it cannot be used.
    """

    def __init__(self, sent: Sent, *, max_pixels: int, seconds: float) -> None:
        self.name = sent.name
        self._within = seconds
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._timer = threading.Timer(seconds, self._process.kill)
        self._timer.daemon = True
        self._timer.start()
        try:
            assert self._process.stdin is not None
            with suppress(OSError):  # it has ended, which the answer tells
                write_frame(self._process.stdin, {"max_pixels": max_pixels}, sent.content)  # type: ignore[arg-type]
                self._process.stdin.close()
            head, _ = self._answer()
            self.size, self.fps = (int(head["size"][0]), int(head["size"][1])), float(head["fps"])
            self.frame_count = head["frame_count"]
            self._length: float | None = head["seconds"]
        except BaseException:
            self.close()
            raise

    @property
    def seconds(self) -> float | None:
        """Length, as the file says; ``None`` where it does not."""
        return self._length

    def frames(self, start: float = 0.0) -> Iterator[Frame]:
        """Yield the frames; see :meth:`Video.frames`."""
        shape = (self.size[1], self.size[0], 3)
        while "problem" not in (answer := self._answer())[0]:
            head, content = answer
            yield Frame(head["index"], head["seconds"], np.frombuffer(content, np.uint8).reshape(shape))
        self.problem = answer[0]["problem"]

    def close(self) -> None:
        """End the process."""
        self._timer.cancel()
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()

    def _answer(self) -> tuple[dict[str, Any], bytes]:
        assert self._process.stdout is not None
        answer = read_frame(self._process.stdout)  # type: ignore[arg-type]
        if answer is None:
            raise VideoError(f"{self.name}: its decoder crashed, or took longer than {self._within:g} seconds")
        if "error" in answer[0]:
            raise VideoError(f"{self.name}: {answer[0]['error']}")
        return answer


def video_run(task: Task, predictor: VideoPredictor[Any], limits: Limits) -> Run:
    """Return what runs the jobs of a command for videos.

    Args:
        task: whose command it is.
        predictor: its model.
        limits: of the server.
    """
    known = {option.name for option in task.options}

    def predict(sent: Sent, options: dict[str, Any]) -> Any:
        def progress(done: int, total: int | None) -> None:
            if sent.left.is_set():
                raise CancelledError

        until = min(options.get("until", math.inf), limits.video_seconds)
        left = WORKING_SHARE * limits.seconds - (time.monotonic() - sent.arrived)
        bounds = {"until": until, "time_limit": max(round(left, 1), LEAST_SECONDS)}
        with SentVideo(sent, max_pixels=limits.max_pixels, seconds=limits.seconds) as video:
            length = video.seconds
            if length is not None and length > limits.video_seconds + 1 and "until" not in options:
                raise ApiError(
                    413,
                    "video_too_long",
                    f"a video lasts at most {limits.video_seconds:g} seconds here, this one {length:.0f}; send a part "
                    "of it, or say until which second it is wanted",
                )
            return predictor.predict(
                video, progress=progress, **options | {name: value for name, value in bounds.items() if name in known}
            )

    def run(items: Sequence[Sent], **options: Any) -> list[Any]:
        return do_each([partial(predict, sent, options) for sent in items])

    return run
