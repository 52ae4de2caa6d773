"""Many images, processed in batches while worker threads open the next ones."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from PIL import Image

from seetell.errors import PhotoError, PhotoMemoryError, UsageError
from seetell.photos.opening import PhotoSource, open_photo, photo_size
from seetell.photos.preprocessing import Preprocessing, largest

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")

BatchFn = Callable[[Sequence[Prepared], Sequence[int]], Sequence[Result]]
"""Takes a batch and the number of each of its images in the run, by which sampling is seeded; one result per image."""


@dataclass(frozen=True, eq=False)
class ResizedPhoto:
    """A photo that another process opened and resized to the inputs of a model.

    Attributes:
        views: ``(H, W, 3)`` uint8, one for each way of preprocessing that was asked for, in that order.
        size: width and height of the upright photo, before it was resized.
    """

    views: tuple[np.ndarray, ...]
    size: tuple[int, int]

    @property
    def pixels(self) -> np.ndarray:
        """The first view, ``(H, W, 3)`` uint8."""
        return self.views[0]


class Views(dict[Preprocessing, np.ndarray]):
    """A photo resized to the inputs of several networks, ``(H, W, 3)`` uint8 for each way of preprocessing.

    Attributes:
        size: width and height of the upright photo; of a large file, those at which it was decoded, which are no less
            than the largest of these inputs.
    """

    def __init__(self, views: Iterable[tuple[Preprocessing, np.ndarray]], size: tuple[int, int]) -> None:
        super().__init__(views)
        self.size = size


def stream(
    items: Iterator[Item],
    prepare: Callable[[Item], Prepared],
    predict: BatchFn[Prepared, Result],
    sample_ids: Iterator[int],
    *,
    batch_size: int,
    batches_at_once: int,
    workers: int,
) -> Iterator[Result | PhotoError]:
    """Prepare items and process them, in their order; at most one batch is read ahead of those that are processed.

    Where reading an item fails, the items before it are processed first. The last items are cut into batches of about
    the same size, so that few of them make all threads work, too.

    Args:
        items: may be endless.
        prepare: opens one; runs in the workers.
        predict: processes a batch.
        sample_ids: a number for each item, by which sampling is seeded; each is asked for after its item.
        batch_size: most items of a batch.
        batches_at_once: batches processed at the same time; more than one on threads of their own, which what
            ``predict`` uses must allow.
        workers: threads that prepare.

    Yields:
        One result per item, or the error of one that cannot be used.

    Raises:
        UsageError: there are fewer sample ids than items.
        Exception: whatever ``items`` raises.
    """
    failures: list[Exception] = []
    numbered = _until_failure(_numbered(items, sample_ids), failures)
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
                (opening.submit(_attempt, prepare, item), number) for item, number in itertools.islice(numbered, wanted)
            ]
            size = batch_size if len(taken) == wanted else _even_size(len(taken), batch_size, batches_at_once)
            for first in range(0, len(taken), size):
                batch = taken[first : first + size]
                work = partial(process, batch)
                begun.append((len(batch), work if batches_at_once == 1 else running.submit(work).result))
            if not begun:
                break
            yield from begun.popleft()[1]()
        if failures:
            raise failures[0]
    finally:
        running.shutdown(wait=False, cancel_futures=True)
        opening.shutdown(cancel_futures=True)
        running.shutdown()


def preprocess(image: PhotoSource | ResizedPhoto, preprocessing: Preprocessing) -> np.ndarray:
    """Open an image and return the encoder's input, ``(3, H, W)`` float32.

    Raises:
        PhotoError: the image cannot be used.
    """
    return preprocessing.normalise(resize_all(image, (preprocessing,))[preprocessing])


def resize_all(image: PhotoSource | ResizedPhoto, preprocessings: Sequence[Preprocessing]) -> Views:
    """Open an image once and resize it to the inputs of several networks.

    It is normalised in its batch, see :func:`~seetell.runtime.tags.stacked`: until then it takes a quarter of the
    memory.

    Args:
        image: where it was resized already, in these ways.
        preprocessings: one for each input.

    Raises:
        PhotoError: the image cannot be used.
    """
    if isinstance(image, ResizedPhoto):
        return Views(zip(preprocessings, image.views, strict=True), image.size)
    opened = open_photo(image, at_least=largest(preprocessings))
    try:
        return Views(((way, way.resize(opened)) for way in preprocessings), opened.size)
    except MemoryError as error:
        raise PhotoMemoryError(
            f"a photo of {opened.width}×{opened.height} pixels needs more memory than there is"
        ) from error


def preprocess_with_size(
    image: PhotoSource | ResizedPhoto, preprocessing: Preprocessing
) -> tuple[np.ndarray, tuple[int, int]]:
    """Open an image; see :func:`preprocess`.

    Returns:
        The encoder's input, and width and height of the upright image in pixels.
    """
    resized, size = resize_all_with_size(image, (preprocessing,))
    return preprocessing.normalise(resized[preprocessing]), size


def resize_all_with_size(
    image: PhotoSource | ResizedPhoto, preprocessings: Sequence[Preprocessing]
) -> tuple[Views, tuple[int, int]]:
    """Open an image once; see :func:`resize_all`.

    Returns:
        The pixels for each network, and width and height of the upright image in pixels.
    """
    if isinstance(image, ResizedPhoto):
        return resize_all(image, preprocessings), image.size
    image, size = with_size(image)
    return resize_all(image, preprocessings), size


def with_size(image: PhotoSource) -> tuple[PhotoSource, tuple[int, int]]:
    """Return an image, and width and height of the upright photo, of which no pixel of a file is decoded for that.

    Raises:
        PhotoError: the image cannot be used.
    """
    if isinstance(image, (np.ndarray, Image.Image)):
        opened = open_photo(image)
        return opened, opened.size
    image = image if isinstance(image, (str, os.PathLike, bytes)) else image.read()
    return image, photo_size(image)  # a large JPEG file is decoded at a smaller scale


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


def _numbered(items: Iterator[Item], sample_ids: Iterator[int]) -> Iterator[tuple[Item, int]]:
    for count, item in enumerate(items):
        number = next(sample_ids, None)
        if number is None:
            raise UsageError(f"expected a sample id for each image, got {count} for more images than that")
        yield item, number


def _until_failure(items: Iterator[Item], failures: list[Exception]) -> Iterator[Item]:
    """Yield items until reading one fails, and keep why."""
    try:
        yield from items
    except Exception as error:
        failures.append(error)


def _even_size(count: int, most: int, batches_at_once: int) -> int:
    """Return the size of batches of some items, at most ``most``, so that all threads have about as much to do."""
    rounds = -(-count // (most * batches_at_once))
    return -(-count // (rounds * batches_at_once)) if count else most


def _attempt(prepare: Callable[[Item], Prepared], item: Item) -> Prepared | PhotoError:
    try:
        return prepare(item)
    except PhotoError as error:
        return error
