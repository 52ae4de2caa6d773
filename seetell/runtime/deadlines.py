"""Runs of ONNX Runtime that take too long are told to end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock, Thread

import onnxruntime as ort

RUN_SECONDS = 60
"""Deadline of one run; a batch takes well below a second, on a slow and busy machine some seconds."""


@dataclass
class _Run:
    options: ort.RunOptions
    seconds: int = 0


class Deadlines:
    """Ends runs that take too long, from one thread for all.

    It counts seconds in which the process runs, so that one that was stopped for a while loses no run.

    Args:
        seconds: that a run may take.
    """

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self._runs: dict[int, _Run] = {}
        self._starting = Lock()
        self._thread: Thread | None = None

    @contextmanager
    def over(self, options: ort.RunOptions) -> Iterator[None]:
        """Watch a run with these options while the block runs."""
        self._runs[id(options)] = _Run(options)
        if self._thread is None or not self._thread.is_alive():  # as in a process that was forked
            self._start()
        try:
            yield
        finally:
            del self._runs[id(options)]

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._watch, name="seetell-deadlines", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        while True:
            time.sleep(1)
            for run in list(self._runs.values()):
                run.seconds += 1
                run.options.terminate = run.seconds > self.seconds


deadlines = Deadlines(RUN_SECONDS)
