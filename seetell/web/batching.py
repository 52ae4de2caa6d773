"""One thread that owns the models and answers what many requests ask together.

While it works on a batch, the next gathers: nobody waits for company, and the more there is to do, the larger the
batches are. Whatever a model does, every job gets a result or an error, but for those of a batch that never ends:
nothing can end a thread from outside, so they are left to the time limits of who waits, and no more are taken.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

Run = Callable[[Sequence[Any]], Sequence[Any]]
"""Takes what several requests brought; gives for each, in order, its result or the error that it alone gets."""

Observe = Callable[[str, int, float], None]
"""Told of each batch what it was, how many were in it and how many seconds it took."""


State = Literal["ok", "stuck", "stopping"]
"""Whether a batcher takes jobs; else it waits for a batch that does not end, or has ended."""


@dataclass(frozen=True, eq=False)
class _Job:
    name: str
    item: Any
    future: Future[Any]


class Batcher:
    """Gathers jobs of the same name and runs them together, on one thread.

    Args:
        runs: what runs the jobs of each name.
        batch_size: the most that are run together.
        observe: told of each batch.
        patience: seconds after which a batch is not believed to end.
        ending: the last thing done on its thread.
    """

    def __init__(
        self,
        runs: Mapping[str, Run],
        *,
        batch_size: int,
        observe: Observe,
        patience: float,
        ending: Callable[[], object] = lambda: None,
    ) -> None:
        self._runs = dict(runs)
        self._batch_size = batch_size
        self._observe = observe
        self._patience = patience
        self._ending = ending
        self._begun: float | None = None  # when the model was given what it is at
        self._waiting: list[_Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="seetell-models", daemon=True)
        self._thread.start()

    def submit(self, name: str, item: Any) -> Future[Any]:
        """Queue a job; one whose future is cancelled before its turn is left out.

        Raises:
            RuntimeError: the batcher takes no jobs.
        """
        job = _Job(name, item, Future())
        with self._changed:
            if self.state != "ok":
                raise RuntimeError(f"the models take nothing, they are {self.state}")
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    @property
    def state(self) -> State:
        """Whether it takes jobs."""
        begun = self._begun
        if self._closed or not self._thread.is_alive():
            return "stopping"
        return "stuck" if begun is not None and time.monotonic() - begun > self._patience else "ok"

    def __len__(self) -> int:
        """Return how many jobs wait for their turn."""
        return len(self._waiting)

    def close(self) -> None:
        """Finish the batch at hand, if it ends, cancel what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(self._patience)

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                started = [job for job in batch if job.future.set_running_or_notify_cancel()]
                if started:
                    self._answer(started)
        finally:
            with self._changed:
                self._closed = True
            for job in self._waiting:
                job.future.cancel()
            self._ending()

    def _next_batch(self) -> list[_Job]:
        """Wait for jobs; return the oldest and those behind it that can go with it, or none once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return []
            name = self._waiting[0].name
            batch = [job for job in self._waiting if job.name == name][: self._batch_size]
            taken = set(batch)
            self._waiting = [job for job in self._waiting if job not in taken]
        return batch

    def _answer(self, jobs: Sequence[_Job]) -> None:
        """Run jobs; where that fails as a whole, each alone, so that only the one to blame fails."""
        results = self._results(jobs)
        if isinstance(results, Exception) and len(jobs) > 1:
            for job in jobs:
                self._answer([job])
            return
        for job, result in zip(jobs, [results] if isinstance(results, Exception) else results, strict=True):
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _results(self, jobs: Sequence[_Job]) -> Sequence[Any] | Exception:
        """Return what the model makes of jobs, or why it makes nothing of them."""
        name, begun = jobs[0].name, time.monotonic()
        self._begun = begun
        try:
            results = list(self._runs[name]([job.item for job in jobs]))
            if len(results) != len(jobs):
                raise RuntimeError(f"{len(jobs)} jobs got {len(results)} results")
            self._observe(name, len(jobs), time.monotonic() - begun)
        except BaseException as error:  # what asks a thread or a process to end included
            if isinstance(error, Exception) and not isinstance(error, StopIteration):
                return error
            return RuntimeError(f"{name} ended with {error!r}")  # which a future can hold
        finally:
            self._begun = None
        return results
