"""The words of images from a bundle, on ONNX Runtime: images that show one word each."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from seetell.photos import open_photo
from seetell.photos.opening import PhotoSource
from seetell.results import Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.tasks.text_recognition.reader import TextReader, whole_image
from seetell.tasks.text_recognition.word_recogniser import WordRecogniser


class BundleReader(BundlePredictor[Image.Image, Regions], TextReader[Image.Image]):
    """A text reader of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        recogniser: reads the words.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.recogniser = WordRecogniser(bundle, precision=precision, threads=self.threads)

    def prepare(self, image: PhotoSource, text: str = "") -> Image.Image:
        """Open an image; see :meth:`Predictor.prepare`."""
        return open_photo(image)

    def _predict(
        self, batch: Sequence[Image.Image], sample_ids: Sequence[int], *, whole: bool, threshold: float
    ) -> list[Regions]:
        words = self.recogniser.read(batch)
        return [
            whole_image(word.text, word.score, image.size, self.name, threshold=threshold)
            for image, word in zip(batch, words, strict=True)
        ]
