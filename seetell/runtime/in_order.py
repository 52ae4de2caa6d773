"""Calls that mostly wait, such as requests to a server: several at once, their results in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

GLANCE_SECONDS = 0.2
"""Longest sleep while a call is waited for: a signal that comes just before Python sleeps is noticed only after it."""


def in_order(function: Callable[[Item], Result], items: Iterable[Item], *, threads: int) -> Iterator[Result]:
    """Call a function for many items on several threads.

    As soon as a call ends the next one begins, also while an earlier one goes on; no more than twice as many items as
    threads are read ahead. Nothing waits for calls that have begun when the iterator is closed or the process ends.

    Args:
        function: takes an item; what it raises is raised in place of its result, and ends the iteration.
        items: may be endless.
        threads: calls at once.

    Yields:
        One result per item, in their order.
    """
    work: SimpleQueue[tuple[Future[Result], Item] | None] = SimpleQueue()
    begun: deque[Future[Result]] = deque()
    started = 0
    try:
        for item in items:
            begun.append(Future())
            work.put((begun[-1], item))
            if started < threads:
                threading.Thread(target=_work, args=(function, work), name="seetell-requests", daemon=True).start()
                started += 1
            if len(begun) >= 2 * threads:
                yield _result(begun.popleft())
        while begun:
            yield _result(begun.popleft())
    finally:
        with suppress(Empty):
            while True:
                work.get_nowait()
        for _ in range(started):
            work.put(None)


def _result(future: Future[Result]) -> Result:
    """Wait for a result, and heed interrupts meanwhile."""
    while not wait((future,), GLANCE_SECONDS).done:
        pass
    return future.result()


def _work(function: Callable[[Item], Result], work: SimpleQueue[tuple[Future[Result], Item] | None]) -> None:
    while (job := work.get()) is not None:
        future, item = job
        try:
            future.set_result(function(item))
        except BaseException as error:
            future.set_exception(error)
