"""Sentences for photos, from a bundle, on ONNX Runtime.

>>> import seetell
>>> print(seetell.load().caption("photo.jpg"))
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from seetell.errors import BundleError, PhotoError, UsageError
from seetell.language.decoding import Decoding, Hypothesis, State, decode
from seetell.language.sentence import sentence
from seetell.photos.opening import PhotoSource, open_photo
from seetell.results import Caption, Word
from seetell.runtime.bundle import Bundle, find
from seetell.runtime.cores import physical_cores
from seetell.runtime.sessions import Graph

BATCH_SIZE = 16


def load(model: str | Path = "caption", *, precision: str | None = None, threads: int | None = None) -> Captioner:
    """Load a captioner.

    Args:
        model: ``caption`` for the model that came with seetell, the name of a bundled model, or the path of a
            model folder.
        precision: ``int8`` or ``fp32`` for the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: there is no such model, or not in this precision.
        BundleError: the model folder is incomplete or damaged.
    """
    return Captioner(Bundle.load(find(model)), precision=precision, threads=threads)


class Captioner:
    """A loaded captioning model.

    Args:
        bundle: the model.
        precision: see :func:`load`.
        threads: see :func:`load`.

    Raises:
        UsageError: ``precision`` or ``threads`` is not possible.
        BundleError: a graph is damaged, or the bundle is not a captioner.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        if bundle.kind != "caption":
            raise BundleError(f"{bundle.folder}: is a model of kind {bundle.kind!r}; expected 'caption'")
        if threads is not None and threads < 1:
            raise UsageError(f"threads must be at least 1, got {threads}")
        self.bundle = bundle
        self.threads = threads or physical_cores()
        self._encoder = Graph(bundle.encoder(precision), threads=self.threads)
        self._start = Graph(bundle.decoder_start, threads=self.threads)
        self._step = Graph(bundle.decoder_step, threads=self.threads)
        self._features = self._start.inputs
        self._memories = sorted(name for name in self._start.outputs if name.startswith("memory_"))
        self._states = [f"state_{index}" for index in range(len(self._start.outputs) - len(self._memories))]
        self._next_states = [f"next_{state}" for state in self._states]
        self._encoder.require(inputs=["images"], outputs=self._features)
        self._start.require(inputs=["pooled", "grid"], outputs=self._states)
        inputs = ["tokens", "photos", *self._memories, *self._states]
        self._step.require(inputs=inputs, outputs=["logprobs", *self._next_states])

    @property
    def name(self) -> str:
        """The bundle's name, which every caption carries."""
        return self.bundle.name

    @property
    def decoding(self) -> Decoding:
        """How it decodes where a call says nothing else."""
        return self.bundle.decoding

    def caption(self, photo: PhotoSource, **options: Any) -> Caption:
        """Say what is on a photo.

        Args:
            photo: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            options: decoding options that replace the model's own, such as ``beam_size=3`` or
                ``method="sample", temperature=0.8``; see ``Decoding``.

        Raises:
            PhotoError: the photo cannot be used.
            UsageError: an option is unknown or its value not allowed.
        """
        decoding = self.decoding.with_options(**options)
        return self._captions([self._prepared(photo)], decoding, [0])[0]

    def caption_many(
        self,
        photos: Iterable[PhotoSource],
        *,
        batch_size: int = BATCH_SIZE,
        workers: int | None = None,
        **options: Any,
    ) -> Iterator[Caption | PhotoError]:
        """Say what is on each of many photos, in their order.

        While one batch is captioned, worker threads open the photos of the next; no more than that is read ahead, so
        ``photos`` may be endless.

        Args:
            photos: see :meth:`caption`.
            batch_size: photos captioned at once.
            workers: threads that open photos; as many as the captioner computes with when absent.
            options: decoding options that replace the model's own.

        Yields:
            A caption for each photo, or the error of one that cannot be used.

        Raises:
            UsageError: an argument or option is not allowed; raised at the call, before any photo is read.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, got {batch_size}")
        if workers is not None and workers < 1:
            raise UsageError(f"workers must be at least 1, got {workers}")
        decoding = self.decoding.with_options(**options)
        return self._stream(iter(photos), batch_size, workers or self.threads, decoding)

    def _stream(
        self, photos: Iterator[PhotoSource], batch_size: int, workers: int, decoding: Decoding
    ) -> Iterator[Caption | PhotoError]:
        pool = ThreadPoolExecutor(workers, thread_name_prefix="seetell-photos")
        try:
            opening: deque[Future[np.ndarray | PhotoError]] = deque()
            for first in itertools.count(step=batch_size):
                wanted = 2 * batch_size - len(opening)
                opening.extend(pool.submit(self._attempt, photo) for photo in itertools.islice(photos, wanted))
                if not opening:
                    return
                batch = [opening.popleft().result() for _ in range(min(batch_size, len(opening)))]
                yield from self._batch(batch, decoding, first)
        finally:
            pool.shutdown(cancel_futures=True)

    def _attempt(self, photo: PhotoSource) -> np.ndarray | PhotoError:
        try:
            return self._prepared(photo)
        except PhotoError as error:
            return error

    def _prepared(self, photo: PhotoSource) -> np.ndarray:
        """Return the encoder's input, ``(3, H, W)`` float32."""
        preprocessing = self.bundle.preprocessing
        opened = open_photo(photo, at_least=(preprocessing.width, preprocessing.height))
        try:
            return preprocessing(opened)
        except MemoryError as error:
            raise PhotoError(
                f"a photo of {opened.width}×{opened.height} pixels needs more memory than there is"
            ) from error

    def _batch(
        self, batch: Sequence[np.ndarray | PhotoError], decoding: Decoding, first: int
    ) -> Iterator[Caption | PhotoError]:
        """Caption the photos that opened; the errors of the others stay in their places."""
        opened = {first + place: item for place, item in enumerate(batch) if not isinstance(item, PhotoError)}
        captions = iter(self._captions_within_memory(list(opened.values()), decoding, list(opened)))
        for item in batch:
            yield item if isinstance(item, PhotoError) else next(captions)

    def _captions_within_memory(
        self, images: Sequence[np.ndarray], decoding: Decoding, streams: Sequence[int]
    ) -> Sequence[Caption | PhotoError]:
        """Caption a batch; where memory does not suffice for it, its halves."""
        try:
            return self._captions(images, decoding, streams)
        except MemoryError:
            if len(images) == 1:
                return [PhotoError("not enough memory to caption it")]
        middle = len(images) // 2
        halves = slice(None, middle), slice(middle, None)
        return [item for half in halves for item in self._captions_within_memory(images[half], decoding, streams[half])]

    def _captions(self, images: Sequence[np.ndarray], decoding: Decoding, streams: Sequence[int]) -> list[Caption]:
        if not images:
            return []
        begun = self._start.run(self.encode(np.stack(images)), [*self._memories, *self._states])
        memory = dict(zip(self._memories, begun, strict=False))

        def step(tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
            photos, *rows = state
            feeds = {"tokens": tokens, "photos": photos, **memory, **dict(zip(self._states, rows, strict=True))}
            logprobs, *following = self._step.run(feeds, ["logprobs", *self._next_states])
            return logprobs, (photos, *following)

        state = (np.arange(len(images)), *begun[len(memory) :])  # each row's photo and state
        return [self._caption(best) for best, *_ in decode(step, state, decoding, streams=streams)]

    def encode(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features the decoder reads.

        Args:
            images: ``(B, 3, H, W)`` float32, prepared by ``bundle.preprocessing``.

        Returns:
            ``pooled`` ``(B, D)`` and, where the model attends, ``grid`` ``(B, L, D)``.
        """
        return dict(zip(self._features, self._encoder.run({"images": images}, self._features), strict=True))

    def _caption(self, hypothesis: Hypothesis) -> Caption:
        texts = self.bundle.vocabulary.decode(hypothesis.tokens)
        words = tuple(Word(text, logprob) for text, logprob in zip(texts, hypothesis.logprobs, strict=True))
        return Caption(sentence(texts), words, hypothesis.logprob, self.name)
