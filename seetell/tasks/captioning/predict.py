"""Sentences for photos, from a bundle, on ONNX Runtime.

>>> import seetell
>>> print(seetell.load().caption("photo.jpg"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from seetell.errors import BundleError, PhotoError, UsageError
from seetell.language.decoding import Decoding
from seetell.photos.opening import PhotoSource
from seetell.results import Caption
from seetell.runtime.bundle import Bundle, attended_grid, find, installed, read_description
from seetell.runtime.photo_stream import check_counts, prepared, stream, within_memory
from seetell.runtime.sessions import Graph
from seetell.runtime.threads import computing_threads
from seetell.tasks.captioning.decoder import Decoder

BATCH_SIZE = 16

Say = Callable[[Sequence[np.ndarray], Sequence[int]], list[Caption]]
"""Captions a batch: takes the encoder's inputs and each photo's number, by which a draw of words is seeded."""


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
        self.bundle = bundle
        self.threads = computing_threads(threads)
        self._encoder = Graph(bundle.encoder(precision), threads=self.threads)
        self._decoder = Decoder(bundle, threads=self.threads)
        self._encoder.require(inputs=["images"], outputs=self._decoder.features)

    @property
    def name(self) -> str:
        """The bundle's name, which every caption carries."""
        return self.bundle.name

    @property
    def decoding(self) -> Decoding:
        """How it decodes where a call says nothing else."""
        return self.bundle.decoding

    @property
    def attends(self) -> bool:
        """Whether it can tell where in the photo it looked for a word."""
        return self._decoder.attends

    def caption(self, photo: PhotoSource, *, attention: bool = False, **options: Any) -> Caption:
        """Say what is on a photo.

        Args:
            photo: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            attention: tell with every word where the model looked: ``(H, W)`` over the part of the photo that
                ``bundle.preprocessing.visible_box`` names.
            options: decoding options that replace the model's own, such as ``beam_size=3`` or
                ``method="sample", temperature=0.8``; see ``Decoding``.

        Raises:
            PhotoError: the photo cannot be used.
            UsageError: an option is unknown or its value not allowed, or attention is asked of a model without.
        """
        say = self._asked(attention, options)
        return say([self.prepare(photo)], [0])[0]

    def caption_many(
        self,
        photos: Iterable[PhotoSource],
        *,
        batch_size: int = BATCH_SIZE,
        workers: int | None = None,
        attention: bool = False,
        **options: Any,
    ) -> Iterator[Caption | PhotoError]:
        """Say what is on each of many photos, in their order.

        While one batch is captioned, worker threads open the photos of the next; no more than that is read ahead, so
        ``photos`` may be endless.

        Args:
            photos: see :meth:`caption`.
            batch_size: photos captioned at once.
            workers: threads that open photos; as many as the captioner computes with when absent.
            attention: see :meth:`caption`.
            options: decoding options that replace the model's own.

        Yields:
            A caption for each photo, or the error of one that cannot be used.

        Raises:
            UsageError: an argument or option is not allowed; raised at the call, before any photo is read.
        """
        check_counts(batch_size=batch_size, workers=workers)
        say = self._asked(attention, options)
        return stream(iter(photos), self.prepare, say, batch_size=batch_size, workers=workers or self.threads)

    def caption_prepared(
        self, images: Sequence[np.ndarray], *, attention: bool = False, **options: Any
    ) -> list[Caption | PhotoError]:
        """Say what is on each of a batch of photos that :meth:`prepare` opened, perhaps elsewhere and before.

        Args:
            images: each ``(3, H, W)`` float32.
            attention: see :meth:`caption`.
            options: decoding options that replace the model's own.

        Returns:
            A caption for each, or the error of one that memory does not suffice for.

        Raises:
            UsageError: an option is unknown or its value not allowed, or attention is asked of a model without.
        """
        return list(within_memory(images, range(len(images)), self._asked(attention, options)))

    def _asked(self, attention: bool, options: Mapping[str, Any]) -> Say:
        """Return what captions a batch in the way that a call asks for."""
        decoding = self.decoding.with_options(**options)
        return partial(self._captions, decoding=decoding, grid=self._attended() if attention else None)

    def _attended(self) -> tuple[int, int]:
        """Return rows and columns of the grid it attends to."""
        if not self.attends:
            attending = [name for name, folder in installed().items() if attended_grid(read_description(folder))]
            raise UsageError(
                f"{self.name} does not attend to places in the photo, so it cannot tell where a word came from; "
                f"bundled models that do: {', '.join(attending) or 'none'}"
            )
        return self.bundle.grid

    def prepare(self, photo: PhotoSource) -> np.ndarray:
        """Open a photo and return the encoder's input, ``(3, H, W)`` float32; may be called by many threads.

        Raises:
            PhotoError: the photo cannot be used.
        """
        return prepared(photo, self.bundle.preprocessing)

    def _captions(
        self,
        images: Sequence[np.ndarray],
        sample_ids: Sequence[int],
        *,
        decoding: Decoding,
        grid: tuple[int, int] | None,
    ) -> list[Caption]:
        """Caption a batch; with the ``grid`` that the attention is laid over, or ``None`` where it is not asked for."""
        return self._decoder.captions(self.encode(np.stack(images)), decoding, sample_ids=sample_ids, grid=grid)

    def encode(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Return the features the decoder reads.

        Args:
            images: ``(B, 3, H, W)`` float32, prepared by ``bundle.preprocessing``.

        Returns:
            ``pooled`` ``(B, D)`` and, where the model attends, ``grid`` ``(B, L, D)``.
        """
        wanted = self._decoder.features
        return dict(zip(wanted, self._encoder.run({"images": images}, wanted), strict=True))
