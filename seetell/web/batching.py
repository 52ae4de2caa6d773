"""One thread that owns the models and answers what many requests ask together.

While it works on a batch, the next gathers: nobody waits for company, and the more there is to do, the larger the
batches are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

Run = Callable[[Sequence[Any]], Sequence[Any]]
"""Takes what several requests brought; gives for each, in order, its result or the error that it alone gets."""

Observe = Callable[[str, int, float], None]
"""Told of each batch what it was, how many were in it and how many seconds it took."""


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
        ending: the last thing done on its thread.
    """

    def __init__(
        self,
        runs: Mapping[str, Run],
        *,
        batch_size: int,
        observe: Observe,
        ending: Callable[[], object] = lambda: None,
    ) -> None:
        self._runs = dict(runs)
        self._batch_size = batch_size
        self._observe = observe
        self._ending = ending
        self._waiting: list[_Job] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="seetell-models", daemon=True)
        self._thread.start()

    def submit(self, name: str, item: Any) -> Future[Any]:
        """Queue a job; one whose future is cancelled before its turn is left out.

        Raises:
            RuntimeError: the batcher is closed.
        """
        job = _Job(name, item, Future())
        with self._changed:
            if not self.alive:
                raise RuntimeError("the thread that runs the models has ended")
            self._waiting.append(job)
            self._changed.notify()
        return job.future

    @property
    def alive(self) -> bool:
        """Whether it takes jobs."""
        return not self._closed and self._thread.is_alive()

    def __len__(self) -> int:
        """Return how many jobs wait for their turn."""
        return len(self._waiting)

    def close(self) -> None:
        """Finish the batch at hand, cancel what waits, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            started = [job for job in batch if job.future.set_running_or_notify_cancel()]
            if started:
                self._answer(started)
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
        begun = time.perf_counter()
        try:
            results = list(self._runs[jobs[0].name]([job.item for job in jobs]))
            if len(results) != len(jobs):
                raise RuntimeError(f"{len(jobs)} jobs got {len(results)} results")
        except Exception as error:
            if len(jobs) == 1:
                jobs[0].future.set_exception(error)
                return
            for job in jobs:
                self._answer([job])
            return
        self._observe(jobs[0].name, len(jobs), time.perf_counter() - begun)
        for job, result in zip(jobs, results, strict=True):
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)
