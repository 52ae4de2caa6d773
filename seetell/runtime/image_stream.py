"""Many images, processed in batches while worker threads open the next ones."""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from PIL import Image

from seetell.errors import PhotoError, PhotoMemoryError
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


def stream(
    items: Iterator[Item],
    prepare: Callable[[Item], Prepared],
    predict: BatchFn[Prepared, Result],
    sample_ids: Iterator[int],
    *,
    batch_size: int,
    workers: int,
) -> Iterator[Result | PhotoError]:
    """Prepare items and process them, in their order; at most one batch is read ahead.

    Args:
        items: may be endless.
        prepare: opens one; runs in the workers.
        predict: processes a batch.
        sample_ids: a number for each item, by which sampling is seeded; each is asked for after its item.
        batch_size: items processed at once.
        workers: threads that prepare.

    Yields:
        One result per item, or the error of one that cannot be used.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="seetell-images")
    try:
        opening: deque[Future[Prepared | PhotoError]] = deque()
        while True:
            wanted = 2 * batch_size - len(opening)
            opening.extend(pool.submit(_attempt, prepare, item) for item in itertools.islice(items, wanted))
            if not opening:
                return
            batch = [opening.popleft().result() for _ in range(min(batch_size, len(opening)))]
            opened = [
                (item, number)
                for item, number in zip(batch, sample_ids, strict=False)
                if not isinstance(item, PhotoError)
            ]
            prepared, ids = [item for item, _ in opened], [number for _, number in opened]
            results = iter(run_with_oom_fallback(prepared, ids, predict))
            for item in batch:
                yield item if isinstance(item, PhotoError) else next(results)
    finally:
        pool.shutdown(cancel_futures=True)


def preprocess(image: PhotoSource | ResizedPhoto, preprocessing: Preprocessing) -> np.ndarray:
    """Open an image and return the encoder's input, ``(3, H, W)`` float32.

    Raises:
        PhotoError: the image cannot be used.
    """
    return preprocess_all(image, (preprocessing,))[preprocessing]


def preprocess_all(
    image: PhotoSource | ResizedPhoto, preprocessings: Sequence[Preprocessing]
) -> dict[Preprocessing, np.ndarray]:
    """Open an image once and prepare it for several networks.

    Args:
        image: where it was resized already, in these ways.
        preprocessings: one for each input.

    Returns:
        For each of them ``(3, H, W)`` float32.

    Raises:
        PhotoError: the image cannot be used.
    """
    if isinstance(image, ResizedPhoto):
        return {way: way.normalise(view) for way, view in zip(preprocessings, image.views, strict=True)}
    opened = open_photo(image, at_least=largest(preprocessings))
    try:
        return {way: way(opened) for way in preprocessings}
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
    prepared, size = preprocess_all_with_size(image, (preprocessing,))
    return prepared[preprocessing], size


def preprocess_all_with_size(
    image: PhotoSource | ResizedPhoto, preprocessings: Sequence[Preprocessing]
) -> tuple[dict[Preprocessing, np.ndarray], tuple[int, int]]:
    """Open an image once; see :func:`preprocess_all`.

    Returns:
        The input of each network, and width and height of the upright image in pixels.
    """
    if isinstance(image, ResizedPhoto):
        return preprocess_all(image, preprocessings), image.size
    image, size = with_size(image)
    return preprocess_all(image, preprocessings), size


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


def _attempt(prepare: Callable[[Item], Prepared], item: Item) -> Prepared | PhotoError:
    try:
        return prepare(item)
    except PhotoError as error:
        return error
