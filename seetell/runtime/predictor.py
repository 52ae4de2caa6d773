"""What every predictor has in common: options checked first, images opened by worker threads, batches, memory.

A task's predictor defines how an image is prepared and how a batch is processed; :class:`Predictor` does the rest.
"""

from __future__ import annotations

import itertools
import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar

from seetell.errors import PhotoError, UsageError
from seetell.photos.opening import PhotoSource
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.image_stream import (
    BatchFn,
    numbered,
    results_then_failure,
    run_in_batches,
    run_with_oom_fallback,
    stream,
)
from seetell.runtime.loaded import Loaded
from seetell.runtime.option_checks import check_count

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")


class Predictor(Loaded, Generic[Prepared, Result]):
    """A loaded model that predicts for images: a bundle, or a model of another library; see :class:`Loaded`.

    Attributes:
        text_input: name of the text that goes with each image; empty where images are predicted alone.
        batch_size: images of a batch by default.
        batches_at_once: batches processed at the same time, on a thread each; more than one only where :meth:`bind`
            returns a function that may be called from several threads.
        takes_resized: whether :meth:`prepare` accepts a photo that another process resized.
        remote: whether another machine computes; then any number of threads may predict.
        preprocessings: the ways in which :meth:`prepare` resizes an image, where it takes such photos.
    """

    text_input: ClassVar[str] = ""
    batch_size: int = 16
    batches_at_once: int = 1
    takes_resized: ClassVar[bool] = False
    remote: ClassVar[bool] = False

    @property
    def preprocessings(self) -> tuple[Preprocessing, ...]:
        """See the class."""
        return ()

    def visible_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the part of an image that the model sees, over which its attention maps lie.

        Args:
            size: width and height of the image.

        Returns:
            A box ``xyxy`` in pixels.
        """
        return 0.0, 0.0, float(size[0]), float(size[1])

    @abstractmethod
    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image for :meth:`predict_prepared`; may be called from many threads.

        Args:
            image: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            text: what goes with it, see ``text_input``.

        Raises:
            PhotoError: the image cannot be used.
        """

    @abstractmethod
    def bind(self, *args: Any, **options: Any) -> BatchFn[Prepared, Result]:
        """Return the function that predicts a batch in the way a call asks for.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """

    def revising(self, **options: Any) -> Callable[[Prepared, Result], Result] | None:
        """Return what may change a result of :meth:`predict_many` by the results of images before it.

        Args:
            options: see :meth:`bind`, which has checked them.

        Returns:
            What is called with each prepared image and its result, in their order, and returns the result to tell;
            ``None`` where results stay as they are.
        """
        return None

    def batched(self, function: Callable[..., Sequence[Result]], **options: Any) -> BatchFn[Prepared, Result]:
        """Return what runs a function on a batch with options, for :meth:`bind`."""
        return partial(function, **options)

    def check_text(self, text: str) -> str:
        """Check a text that goes with images before any work.

        Returns:
            What a user should know of how the model reads it, such as words that it does not know; mostly empty.

        Raises:
            UsageError: the model can make nothing of it.
        """
        return ""

    def predict(self, image: PhotoSource, text: str = "", **options: Any) -> Result:
        """Predict for one image.

        Args:
            image: see :meth:`prepare`.
            text: see :meth:`prepare`.
            options: of the task.

        Raises:
            PhotoError: the image cannot be used.
            UsageError: an option is unknown or its value not allowed.
        """
        batch_fn = self.bind(**options)
        (result,) = run_with_oom_fallback([self.prepare(image, text)], [0], batch_fn)
        if isinstance(result, PhotoError):
            raise result
        return result

    def predict_many(
        self,
        images: Iterable[Any],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
        sample_ids: Iterable[int] | None = None,
        **options: Any,
    ) -> Iterator[Result | PhotoError]:
        """Predict for many images, in their order.

        While ``batches_at_once`` batches are processed, worker threads open the images of the next; no more than that
        is read ahead, so ``images`` may be endless.

        Args:
            images: see :meth:`prepare`; with a ``text_input``, pairs of an image and its text.
            batch_size: most images of a batch.
            workers: threads that open images; as many as the model computes with when absent.
            sample_ids: a number for each image, by which sampling is seeded beside the seed, so that an image gets the
                same result in another run with others; its place among the images when absent.
            options: of the task.

        Yields:
            One result per image, or the error of one that cannot be used.

        Raises:
            UsageError: an argument or option is not allowed; raised at the call, before any image is read. Or there are
                fewer sample ids than images; raised, like what ``images`` raises, after the results of those before.
        """
        batch_fn, revise = self.bind(**options), self.revising(**options)
        if revise is None:
            return self._stream(images, batch_fn, batch_size=batch_size, workers=workers, sample_ids=sample_ids)

        def with_images(batch: Sequence[Prepared], numbers: Sequence[int]) -> list[tuple[Prepared, Result]]:
            return list(zip(batch, batch_fn(batch, numbers), strict=True))

        pairs = self._stream(images, with_images, batch_size=batch_size, workers=workers, sample_ids=sample_ids)
        return _revised(pairs, revise)

    def predict_prepared(self, batch: Sequence[Prepared], **options: Any) -> list[Result | PhotoError]:
        """Predict for images that :meth:`prepare` opened, perhaps elsewhere and before.

        They are processed in batches of ``batch_size`` at most, ``batches_at_once`` at the same time: larger ones would
        take more memory and no less time.

        Args:
            batch: what :meth:`prepare` returned.
            options: of the task.

        Returns:
            One result per image, or the error of one that memory does not suffice for.

        Raises:
            UsageError: an option is unknown or its value not allowed.
        """
        return self._in_batches(batch, self.bind(**options))

    def _in_batches(self, prepared: Sequence[Prepared], batch_fn: BatchFn[Prepared, Item]) -> list[Item | PhotoError]:
        """Run a function on prepared images; see :meth:`predict_prepared`."""
        return run_in_batches(
            prepared,
            range(len(prepared)),
            batch_fn,
            batch_size=self.batch_size,
            batches_at_once=self.batches_at_once,
        )

    def _stream(
        self,
        images: Iterable[Any],
        batch_fn: BatchFn[Prepared, Item],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
        sample_ids: Iterable[int] | None = None,
    ) -> Iterator[Item | PhotoError]:
        batch_size = self.batch_size if batch_size is None else batch_size
        workers = self.threads if workers is None else workers
        for name, value in (("batch_size", batch_size), ("workers", workers)):
            check_count(name, value)
        if isinstance(images, (str, bytes, os.PathLike)):
            raise UsageError(f"expected many images, got one: pass a list, such as [{images!r:.80}]")
        prepare: Callable[[Any], Prepared] = self._prepare_pair if self.text_input else self.prepare
        numbers = itertools.count() if sample_ids is None else iter(sample_ids)
        streamed = partial(self._streamed, prepare=prepare, batch_fn=batch_fn, batch_size=batch_size, workers=workers)
        return results_then_failure(numbered(iter(images), numbers), streamed)

    def _prepare_pair(self, pair: Any) -> Prepared:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2 and isinstance(pair[1], str)):
            raise PhotoError(f"expected a pair of an image and its {self.text_input}, got {pair!r:.80}")
        return self.prepare(*pair)

    def _streamed(
        self,
        images: Iterator[tuple[Any, int]],
        *,
        prepare: Callable[[Any], Prepared],
        batch_fn: BatchFn[Prepared, Item],
        batch_size: int,
        workers: int,
    ) -> Iterator[Item | PhotoError]:
        """Prepare images and process them; see :func:`~seetell.runtime.image_stream.stream`."""
        return stream(
            images,
            prepare,
            batch_fn,
            batch_size=batch_size,
            batches_at_once=self.batches_at_once,
            workers=workers,
        )


def _revised(
    pairs: Iterator[tuple[Prepared, Result | PhotoError] | PhotoError], revise: Callable[[Prepared, Result], Result]
) -> Iterator[Result | PhotoError]:
    for pair in pairs:
        if isinstance(pair, PhotoError):
            yield pair
        else:
            image, result = pair
            yield result if isinstance(result, PhotoError) else revise(image, result)
