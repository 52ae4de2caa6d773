"""The words of images from a bundle, on ONNX Runtime: its detector finds lines, its recogniser reads them."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from seetell.photos import open_photo
from seetell.photos.opening import PhotoSource
from seetell.results import Region, Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.sessions import Graph
from seetell.tasks.text_detection.line_finder import LineFinder
from seetell.tasks.text_detection.scoring import bounding_boxes
from seetell.tasks.text_recognition.line_crops import cut_out
from seetell.tasks.text_recognition.reader import TextReader, whole_image
from seetell.tasks.text_recognition.reading_order import reading_order
from seetell.tasks.text_recognition.word_recogniser import WordRecogniser

MOST_LINES = 1000
"""Of an image, those of highest score, that are read."""


class BundleReader(BundlePredictor[Image.Image, Regions], TextReader[Image.Image]):
    """A text reader of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        finder: finds lines; ``None`` where the bundle has no detector, and each image is read as one word or line.
        recogniser: reads them.
    """

    batch_size = 4
    batch_per_thread = False  # a large image takes hundreds of megabytes

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.finder: LineFinder | None = None
        if "line_detector" in bundle.graphs:
            graph = Graph.open(bundle, "line_detector", threads=self.threads)
            graph.require(inputs=["images"], outputs=["text"])
            self.finder = LineFinder(graph)
        self.recogniser = WordRecogniser(bundle, precision=precision, threads=self.threads)

    def prepare(self, image: PhotoSource, text: str = "") -> Image.Image:
        """Open an image; see :meth:`Predictor.prepare`."""
        return open_photo(image)

    def _predict(
        self, batch: Sequence[Image.Image], sample_ids: Sequence[int], *, whole: bool, threshold: float
    ) -> list[Regions]:
        if whole or self.finder is None:
            words = self.recogniser.read(batch)
            return [
                whole_image(word.text, word.score, image.size, self.name, threshold=threshold)
                for image, word in zip(batch, words, strict=True)
            ]
        found = [self.finder.find(image) for image in batch]
        corners = [lines.corners[lines.scores.argsort()[::-1][:MOST_LINES]] for lines in found]
        crops = [cut_out(image, line) for image, lines in zip(batch, corners, strict=True) for line in lines]
        read = iter(self.recogniser.read(crops))
        results = []
        for image, lines, all_lines in zip(batch, corners, found, strict=True):
            words = [next(read) for _ in lines]
            regions = [
                Region(word.text, (left, top, right, bottom), word.score)
                for word, (left, top, right, bottom) in zip(words, bounding_boxes(lines).tolist(), strict=True)
                if word.text and word.score >= threshold and right > left and bottom > top
            ]
            order = reading_order([region.box for region in regions])
            count = len(all_lines.scores)
            problem = f"only {MOST_LINES:,} of the {count:,} lines in it were read" if count > MOST_LINES else ""
            results.append(Regions(tuple(regions[number] for number in order), image.size, self.name, problem=problem))
        return results
