"""What predictors of bundles have in common: the encoder's precision, what tags images, and how an image is resized."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from seetell.errors import PhotoError
from seetell.photos.opening import PhotoSource
from seetell.photos.preprocessing import Preprocessing
from seetell.runtime.bundle import Bundle
from seetell.runtime.predictor import Predictor, Prepared, Result
from seetell.runtime.resized_images import preprocess

if TYPE_CHECKING:
    from seetell.runtime.tags import ImageTagger


class BundlePredictor(Predictor[Prepared, Result]):
    """A predictor of a bundle.

    Each thread processes a batch of its own: while one decodes or compares boxes, in Python, another runs graphs. The
    ``batch_size`` of a class is divided among them.

    Attributes:
        batch_per_thread: whether it is so; otherwise one batch is processed at a time.
        bundle: the model.
        precision: the encoder's, such as ``int8``; ``None`` for the bundle's own choice.
        tagger: what tags its images; ``None`` where nothing does.

    Args:
        bundle: the model.
        precision: ``int8`` or ``fp32`` for the encoder; the bundle's own choice when absent.
        threads: processor threads to compute with; the physical cores when absent.

    Raises:
        UsageError: ``precision`` or ``threads`` is not possible.
        BundleError: a graph is damaged, or the bundle is of another task.
    """

    batch_per_thread: ClassVar[bool] = True

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle.name, threads=threads)
        if self.batch_per_thread:
            self.batches_at_once, self.batch_size = self.threads, -(-self.batch_size // self.threads)
        self.bundle, self.precision = bundle, precision
        self.tagger: ImageTagger | None = None

    @property
    def preprocessings(self) -> tuple[Preprocessing, ...]:
        """The ways in which :meth:`prepare` resizes an image: those of the encoder and of the tagger's networks."""
        others = () if self.tagger is None else self.tagger.preprocessings
        return tuple(dict.fromkeys((self.bundle.preprocessing, *others)))

    def visible_box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Return the part of an image that the encoder sees; see :meth:`Predictor.visible_box`."""
        return self.bundle.preprocessing.visible_box(size)

    def rows(self, images: Sequence[Prepared], compute: Callable[[Sequence[Prepared]], np.ndarray]) -> np.ndarray:
        """Compute an array of prepared images, in batches as :meth:`Predictor.predict_prepared` does.

        Args:
            images: ``N``.
            compute: returns an array with one row for each image of a batch.

        Returns:
            All rows, ``(N, …)``.

        Raises:
            PhotoMemoryError: memory does not suffice for an image.
        """
        rows: list[np.ndarray] = []
        for row in self._in_batches(images, lambda batch, _: list(compute(batch))):
            if isinstance(row, PhotoError):
                raise row
            rows.append(row)
        return np.stack(rows)

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image and return the encoder's input, ``(3, H, W)`` float32; see :meth:`Predictor.prepare`."""
        return cast(Prepared, preprocess(image, self.bundle.preprocessing))
