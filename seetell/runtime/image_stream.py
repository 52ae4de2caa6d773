"""Many images, processed in batches while worker threads open the next ones."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from numbers import Integral
from typing import Any, TypeVar

from seetell.errors import PhotoError, PhotoMemoryError, UsageError

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")

BatchFn = Callable[[Sequence[Prepared], Sequence[int]], Sequence[Result]]
"""Takes a batch and the number of each of its images in the run, by which sampling is seeded; one result per image."""


def stream(
    items: Iterator[tuple[Item, int]],
    prepare: Callable[[Item], Prepared],
    predict: BatchFn[Prepared, Result],
    *,
    batch_size: int,
    batches_at_once: int,
    workers: int,
) -> Iterator[Result | PhotoError]:
    """Prepare items and process them, in their order; at most one batch is read ahead of those that are processed.

    The last items are cut into batches of about the same size, so that few of them make all threads work, too.

    Args:
        items: each with its sample id, see :func:`numbered`; may be endless.
        prepare: opens one; runs in the workers.
        predict: processes a batch.
        batch_size: most items of a batch.
        batches_at_once: batches processed at the same time; more than one on threads of their own, which what
            ``predict`` uses must allow.
        workers: threads that prepare.

    Yields:
        One result per item, or the error of one that cannot be used.
    """
    opening = ThreadPoolExecutor(workers, thread_name_prefix="seetell-images")
    running = ThreadPoolExecutor(batches_at_once, thread_name_prefix="seetell-batches")

    def process(batch: Sequence[tuple[Future[Prepared | PhotoError], int]]) -> list[Result | PhotoError]:
        opened = [(future.result(), number) for future, number in batch]
        usable = [(item, number) for item, number in opened if not isinstance(item, PhotoError)]
        results = iter(run_with_oom_fallback([item for item, _ in usable], [number for _, number in usable], predict))
        return [item if isinstance(item, PhotoError) else next(results) for item, _ in opened]

    try:
        begun: deque[tuple[int, Callable[[], list[Result | PhotoError]]]] = deque()  # sizes and results of batches
        while True:
            wanted = (batches_at_once + 1) * batch_size - sum(size for size, _ in begun)
            taken = [
                (opening.submit(_attempt, prepare, item), number) for item, number in itertools.islice(items, wanted)
            ]
            size = batch_size if len(taken) == wanted else _even_size(len(taken), batch_size, batches_at_once)
            for first in range(0, len(taken), size):
                batch = taken[first : first + size]
                work = partial(process, batch)
                begun.append((len(batch), work if batches_at_once == 1 else running.submit(work).result))
            if not begun:
                return
            yield from begun.popleft()[1]()
    finally:
        running.shutdown(wait=False, cancel_futures=True)
        opening.shutdown(cancel_futures=True)
        running.shutdown()


def numbered(items: Iterator[Item], sample_ids: Iterator[int]) -> Iterator[tuple[Item, int]]:
    """Yield each item with its sample id, by which sampling is seeded; it is asked for after the item.

    Raises:
        UsageError: there are fewer sample ids than items, or one is no whole number from 0.
    """
    for count, item in enumerate(items):
        try:
            number: Any = next(sample_ids)
        except StopIteration:
            raise UsageError(f"expected a sample id for each image, got {count} for more images than that") from None
        if not isinstance(number, Integral) or number < 0:
            raise UsageError(f"sample_ids: expected whole numbers from 0, got {number!r:.80}")
        yield item, int(number)


def results_then_failure(
    items: Iterator[Item], process: Callable[[Iterator[Item]], Iterator[Result]]
) -> Iterator[Result]:
    """Process items, and raise what reading one raised after the results of those before it.

    Args:
        items: may fail.
        process: reads items ahead of the results that it yields.
    """
    failures: list[Exception] = []

    def until_failure() -> Iterator[Item]:
        try:
            yield from items
        except Exception as error:
            failures.append(error)

    yield from process(until_failure())
    if failures:
        raise failures[0]


def run_in_batches(
    prepared: Sequence[Prepared],
    sample_ids: Sequence[int],
    predict: BatchFn[Prepared, Result],
    *,
    batch_size: int,
    batches_at_once: int,
) -> list[Result | PhotoError]:
    """Process images that are all prepared, in batches of about the same size; see :func:`stream`."""
    size = _even_size(len(prepared), batch_size, batches_at_once)
    batches = [slice(first, first + size) for first in range(0, len(prepared), size)]

    def process(batch: slice) -> Sequence[Result | PhotoError]:
        return run_with_oom_fallback(prepared[batch], sample_ids[batch], predict)

    if min(batches_at_once, len(batches)) <= 1:
        return list(itertools.chain.from_iterable(map(process, batches)))
    with ThreadPoolExecutor(batches_at_once, thread_name_prefix="seetell-batches") as running:
        return list(itertools.chain.from_iterable(running.map(process, batches)))


def run_with_oom_fallback(
    batch: Sequence[Prepared], sample_ids: Sequence[int], predict: BatchFn[Prepared, Result]
) -> Sequence[Result | PhotoError]:
    """Process a batch; where memory does not suffice for it, its halves."""
    if not batch:
        return []
    try:
        return predict(batch, sample_ids)
    except MemoryError:
        if len(batch) == 1:
            return [PhotoMemoryError("not enough memory for it")]
    middle = len(batch) // 2
    halves = slice(None, middle), slice(middle, None)
    return [item for half in halves for item in run_with_oom_fallback(batch[half], sample_ids[half], predict)]


def _even_size(count: int, most: int, batches_at_once: int) -> int:
    """Return the size of batches of some items, at most ``most``, so that all threads have about as much to do."""
    rounds = -(-count // (most * batches_at_once))
    return -(-count // (rounds * batches_at_once)) if count else most


def _attempt(prepare: Callable[[Item], Prepared], item: Item) -> Prepared | PhotoError:
    try:
        return prepare(item)
    except PhotoError as error:
        return error
