"""Many photos, worked on in batches while worker threads open the next ones."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from seetell.errors import PhotoError, UsageError
from seetell.photos.opening import PhotoSource, open_photo
from seetell.photos.preprocessing import Preprocessing

Prepared = TypeVar("Prepared")
Result = TypeVar("Result")


def stream(
    photos: Iterator[PhotoSource],
    prepare: Callable[[PhotoSource], Prepared],
    work: Callable[[Sequence[Prepared], Sequence[int]], Sequence[Result]],
    *,
    batch_size: int,
    workers: int,
) -> Iterator[Result | PhotoError]:
    """Prepare photos and work on them, in their order; no more than one batch is read ahead.

    Args:
        photos: may be endless.
        prepare: opens one; runs in the workers.
        work: takes a batch and each photo's number, gives a result for each.
        batch_size: photos worked on at once.
        workers: threads that prepare.

    Yields:
        A result for each photo, or the error of one that cannot be used.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="seetell-photos")
    try:
        opening: deque[Future[Prepared | PhotoError]] = deque()
        for first in itertools.count(step=batch_size):
            wanted = 2 * batch_size - len(opening)
            opening.extend(pool.submit(_attempt, prepare, photo) for photo in itertools.islice(photos, wanted))
            if not opening:
                return
            batch = [opening.popleft().result() for _ in range(min(batch_size, len(opening)))]
            opened = {first + place: item for place, item in enumerate(batch) if not isinstance(item, PhotoError)}
            results = iter(within_memory(list(opened.values()), list(opened), work))
            for item in batch:
                yield item if isinstance(item, PhotoError) else next(results)
    finally:
        pool.shutdown(cancel_futures=True)


def prepared(photo: PhotoSource, preprocessing: Preprocessing) -> np.ndarray:
    """Open a photo and return an encoder's input, ``(3, H, W)`` float32.

    Raises:
        PhotoError: the photo cannot be used.
    """
    opened = open_photo(photo, at_least=(preprocessing.width, preprocessing.height))
    try:
        return preprocessing(opened)
    except MemoryError as error:
        raise PhotoError(f"a photo of {opened.width}×{opened.height} pixels needs more memory than there is") from error


def check_counts(*, batch_size: int, workers: int | None) -> None:
    """Refuse a batch without photos and no workers.

    Raises:
        UsageError: one of them is below 1.
    """
    if batch_size < 1:
        raise UsageError(f"batch_size must be at least 1, got {batch_size}")
    if workers is not None and workers < 1:
        raise UsageError(f"workers must be at least 1, got {workers}")


def _attempt(prepare: Callable[[PhotoSource], Prepared], photo: PhotoSource) -> Prepared | PhotoError:
    try:
        return prepare(photo)
    except PhotoError as error:
        return error


def within_memory(
    batch: Sequence[Prepared],
    numbers: Sequence[int],
    work: Callable[[Sequence[Prepared], Sequence[int]], Sequence[Result]],
) -> Sequence[Result | PhotoError]:
    """Work on a batch; where memory does not suffice for it, on its halves."""
    if not batch:
        return []
    try:
        return work(batch, numbers)
    except MemoryError:
        if len(batch) == 1:
            return [PhotoError("not enough memory for it")]
    middle = len(batch) // 2
    halves = slice(None, middle), slice(middle, None)
    return [item for half in halves for item in within_memory(batch[half], numbers[half], work)]
