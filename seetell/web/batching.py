"""Dynamic batching: a thread owns the models and runs jobs of several requests together.

While it runs a batch, the next one gathers: no job waits for others to arrive, and batches grow with the load. Every
job gets a result or an error, except those of a batch that never ends: a thread cannot be ended from outside, so they
are left to the timeouts of who waits for them, and no more jobs are accepted meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from seetell.errors import BundleError

Run = Callable[..., Sequence[Any]]
"""Takes the items of several jobs, and their common options as keywords; returns for each item, in order, its result
or the error of that job alone."""

Observe = Callable[[str, int, float], None]
"""Called after each batch with its name, its size and the seconds it took."""

CLOSE_SECONDS = 0.3
"""Timeout for a batch when the server ends; by then nobody waits for its results."""


State = Literal["ok", "stuck", "stopping"]
"""Whether a batcher accepts jobs; if not, its threads' batches run longer than the timeout, or it is closed."""


def do_each(pieces: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do pieces of work, and return for each what it returned or raised; which is a :data:`Run`."""
    results: list[Any] = []
    for piece in pieces:
        try:
            results.append(piece())
        except Exception as error:  # of this piece alone
            results.append(error)
    return results


@dataclass(frozen=True, eq=False)
class _Job:
    name: str
    item: Any
    options: Mapping[str, Any]
    future: Future[Any] = field(default_factory=Future)


class Batcher:
    """Gathers jobs of the same name and options, and runs them together.

    Args:
        runs: what runs the jobs of each name.
        batch_size: jobs per batch at most.
        observe: called after each batch.
        timeout: seconds after which a batch counts as stuck.
        threads: batches at once; more than one for models that may be run by several threads.
        on_close: called last, on the last thread.
    """

    def __init__(
        self,
        runs: Mapping[str, Run],
        *,
        batch_size: int,
        observe: Observe,
        timeout: float,
        threads: int = 1,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self._runs = dict(runs)
        self._batch_size = batch_size
        self._observe = observe
        self._timeout = timeout
        self._on_close = on_close
        self._batch_starts: dict[threading.Thread, float] = {}  # of the threads that are not between batches
        self._waiting: list[_Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="seetell-models", daemon=True) for _ in range(threads)
        ]
        self._working = {*self._threads}
        for thread in self._threads:
            thread.start()

    def submit(self, name: str, item: Any, options: Mapping[str, Any] | None = None) -> Future[Any]:
        """Queue a job; it is skipped if its future is cancelled before its turn.

        Raises:
            RuntimeError: no jobs are accepted.
        """
        job = _Job(name, item, options or {})
        with self._changed:
            if self.state != "ok":
                raise RuntimeError(f"no jobs are accepted, the models are {self.state}")
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    @property
    def state(self) -> State:
        """Whether it accepts jobs."""
        starts = list(self._batch_starts.values())
        if self._closed:
            return "stopping"
        late = [start for start in starts if time.monotonic() - start > self._timeout]
        return "stuck" if len(late) == len(self._threads) else "ok"

    def __len__(self) -> int:
        """Return how many jobs are waiting."""
        return len(self._waiting)

    def close(self) -> None:
        """Finish the current batch if that takes no longer than ``CLOSE_SECONDS``, cancel the waiting jobs and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        end = time.monotonic() + min(CLOSE_SECONDS, self._timeout)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                started = [job for job in batch if job.future.set_running_or_notify_cancel()]
                if started:
                    self._answer(started)
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
                self._working.discard(threading.current_thread())
                last = not self._working
            for job in self._waiting:
                job.future.cancel()
            if last:
                self._on_close()

    def _next_batch(self) -> list[_Job]:
        """Wait for jobs; return the oldest and those that can run with it, or none once the batcher is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return []
            first = self._waiting[0]
            alike = [job for job in self._waiting if job.name == first.name and job.options == first.options]
            batch = alike[: self._batch_size]
            taken = set(batch)
            self._waiting = [job for job in self._waiting if job not in taken]
        return batch

    def _answer(self, jobs: Sequence[_Job]) -> None:
        """Run jobs together; if that fails, run each alone, so that only the faulty one fails.

        A faulty model, such as one that exceeded its deadline, fails all of them.
        """
        results = self._run(jobs)
        if isinstance(results, Exception) and not isinstance(results, BundleError) and len(jobs) > 1:
            for job in jobs:
                self._answer([job])
            return
        for job, result in zip(jobs, [results] if isinstance(results, Exception) else results, strict=True):
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _run(self, jobs: Sequence[_Job]) -> Sequence[Any] | Exception:
        """Return the results of a batch, or why it failed as a whole."""
        name, start, thread = jobs[0].name, time.monotonic(), threading.current_thread()
        self._batch_starts[thread] = start
        try:
            results = list(self._runs[name]([job.item for job in jobs], **jobs[0].options))
            if len(results) != len(jobs):
                raise RuntimeError(f"{len(jobs)} jobs got {len(results)} results")
            self._observe(name, len(jobs), time.monotonic() - start)
        except BaseException as error:  # what asks a thread or a process to end included
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                return error
            return RuntimeError(f"{name} ended with {error!r}")  # which a future can hold
        finally:
            del self._batch_starts[thread]
        return results
