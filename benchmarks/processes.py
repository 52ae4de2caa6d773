"""Run measured systems in separate processes, and measure them from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MEGABYTE = 1e6


def environment(threads: int) -> dict[str, str]:
    """Return the environment of every system: the number of threads, no network."""
    limits = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    return {**os.environ, **limits, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


def _peak_bytes(usage: Any) -> int:
    return int(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def first_line(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float, str]:
    """Run a command until it ends.

    Returns:
        Seconds from the start of the process to its first line of output, its peak memory in megabytes, the line.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
        process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or not line:
        raise SystemExit(f"exit status {process.returncode} of: {' '.join(command)}")
    return seconds, _peak_bytes(usage) / MEGABYTE, line.strip()


class Worker:
    """A system that stays loaded and captions files on request.

    Args:
        command: command that starts it; ``answering.py`` defines the protocol.
        env: its environment.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._command = command
        self._process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions: dict[str, str] = self._answer()["versions"]

    def caption(self, photos: Sequence[Path], *, mode: str, batch: int) -> dict[str, Any]:
        """Caption files and wait for the result.

        Returns:
            ``seconds`` taken, ``cpu_seconds`` of all threads, and number of ``words`` generated.
        """
        assert self._process.stdin is not None
        request = {"photos": [str(photo) for photo in photos], "mode": mode, "batch": batch}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"ended without an answer: {' '.join(self._command)}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> float:
        """End it and return its peak memory in megabytes."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        return _peak_bytes(usage) / MEGABYTE
