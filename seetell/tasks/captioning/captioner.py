"""What every captioner offers, whatever model describes the images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from seetell.errors import PhotoError
from seetell.photos.opening import PhotoSource
from seetell.results import Caption
from seetell.runtime.predictor import Predictor, Prepared


class Captioner(Predictor[Prepared, Caption]):
    """A loaded captioning model; see :class:`~seetell.runtime.predictor.Predictor`.

    Attributes:
        has_confidence: whether its captions have a confidence.
        attends: whether it can return an attention map for every word.
    """

    task = "captioning"

    @property
    def has_confidence(self) -> bool:
        """See the class."""
        return False

    @property
    def attends(self) -> bool:
        """See the class."""
        return False

    def caption(self, image: PhotoSource, *, attention: bool = False, **options: Any) -> Caption:
        """Describe an image in a sentence.

        Args:
            image: a path, a file's content, an open binary file, a Pillow image, or an array ``(H, W, 3)`` uint8.
            attention: return with every word where the model looked: ``(H, W)`` over the part of the image that
                :meth:`visible_box` gives.
            options: see :meth:`bind`.

        Raises:
            PhotoError: the image cannot be used.
            UsageError: an option is unknown or its value not allowed, or the model has no attention to return.
        """
        return self.predict(image, attention=attention, **options)

    def caption_many(
        self,
        images: Iterable[PhotoSource],
        *,
        batch_size: int | None = None,
        workers: int | None = None,
        attention: bool = False,
        **options: Any,
    ) -> Iterator[Caption | PhotoError]:
        """Describe many images, in their order; see :meth:`predict_many` and :meth:`caption`."""
        return self.predict_many(images, batch_size=batch_size, workers=workers, attention=attention, **options)
