"""Photos of strangers are opened in processes of their own: one that takes too long or crashes costs only itself."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

import numpy as np

from seetell.errors import PhotoError
from seetell.photos.budget import DecodeBudget
from seetell.photos.decoding_worker import ERRORS, read_frame, write_frame
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.resized_images import ResizedPhoto

OPEN_SECONDS = 10.0
"""Timeout to read a photo's header, and again to decode it."""

START_SECONDS = 30.0
"""Timeout for a process to start."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from seetell.photos.decoding_worker import main; main()"
)


class TooManyPixelsError(PhotoError):
    """A photo with more pixels than are allowed.

    Args:
        size: its width and height.
        limit: pixels that are allowed.
    """

    def __init__(self, size: tuple[int, int], limit: int | None) -> None:
        super().__init__(f"a photo has at most {limit:,} pixels; this one has {size[0]}×{size[1]}")


class PhotoWorkers:
    """Processes that open photos, started when they are needed; for any number of threads.

    Args:
        seconds: timeout to open one.
    """

    def __init__(self, *, seconds: float = OPEN_SECONDS) -> None:
        self._seconds = seconds
        self._budget = DecodeBudget()
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._closed = False

    def start(self) -> None:
        """Start a process, so that the first photo need not wait for it."""
        with self._worker():
            pass

    def open(
        self,
        source: bytes | str,
        *,
        max_pixels: int | None = None,
        preprocessings: Sequence[Preprocessing] = (),
        side: int | None = None,
    ) -> ResizedPhoto:
        """Open a photo; at its own size unless something else is said.

        Args:
            source: a file's content, or its path.
            max_pixels: more are not decoded.
            preprocessings: say how it is resized, once for each.
            side: longest side that it is reduced to, without ``preprocessings``.

        Raises:
            TooManyPixelsError: it has too many pixels.
            PhotoError: it cannot be opened, or not in time.
        """
        request: dict[str, Any] = {"max_pixels": max_pixels, "seconds": self._seconds, "side": side}
        if preprocessings:
            request["preprocessings"] = [preprocessing.to_dict() for preprocessing in preprocessings]
        if isinstance(source, str):
            request["path"] = source
        with self._worker() as worker:
            head, content = worker.ask(request, source if isinstance(source, bytes) else b"", self._budget)
        if "error" in head:
            raise ERRORS[head["kind"]](head["error"])
        size = (int(head["size"][0]), int(head["size"][1]))
        if "too_large" in head:
            raise TooManyPixelsError(size, max_pixels)
        pixels = np.frombuffer(content, np.uint8)
        ends = np.cumsum([np.prod(shape) for shape in head["shapes"]])
        parts = zip(np.split(pixels, ends[:-1]), head["shapes"], strict=True)
        return ResizedPhoto(tuple(part.reshape(shape) for part, shape in parts), size)

    def close(self) -> None:
        """End all processes, also those that are opening a photo."""
        with self._lock:
            self._closed = True
            for worker in self._all:
                worker.kill()
            while self._idle:
                self._idle.pop().end()

    @contextmanager
    def _worker(self) -> Iterator[_Worker]:
        """Give a process that is idle, or a new one."""
        with self._lock:
            if self._closed:
                raise PhotoError("the server is about to end")
            worker = self._idle.pop() if self._idle else _Worker()
            self._all.add(worker)
        try:
            yield worker
        finally:
            with self._lock:
                if worker.usable and not self._closed:
                    self._idle.append(worker)
                else:
                    self._all.discard(worker)
                    worker.end()


class _Worker:
    def __init__(self) -> None:
        command = [sys.executable, "-c", _START, json.dumps(sys.path)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._seconds_to_start = START_SECONDS
        self.usable = True

    def ask(self, request: dict[str, Any], content: bytes, budget: DecodeBudget) -> tuple[dict[str, Any], bytes]:
        """Send a request and wait for its answer, no longer than the request says."""
        self.usable = False  # until it has answered
        seconds = request["seconds"]
        head, answered = self._exchange(request, content, seconds + self._seconds_to_start)
        self._seconds_to_start = 0.0
        need = head.get("need")
        with budget.reserve(need) if need else nullcontext():
            if need:
                head, answered = self._exchange({"seconds": seconds}, b"", seconds)
        self.usable = not head["last"]
        return head, answered

    def kill(self) -> None:
        """End the process; whoever waits for its answer gets an error."""
        self._process.kill()

    def end(self) -> None:
        """End the process, and forget it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # a request that it did not read
                pipe.close()  # type: ignore[union-attr]
        self._process.wait()

    def _exchange(self, head: dict[str, Any], content: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        answer = None
        try:
            write_frame(self._process.stdin, head, content)  # type: ignore[arg-type]
            answer = read_frame(self._process.stdout)  # type: ignore[arg-type]
        except OSError:  # it has ended
            pass
        finally:
            timer.cancel()
        if answer is None:
            raise PhotoError(f"its decoder crashed, or took longer than {head['seconds']:g} seconds")
        return answer
