"""Lines of text in images, from the bundle of a detector on its own."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from seetell.photos import open_photo
from seetell.photos.opening import PhotoSource
from seetell.results import Region, Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_share
from seetell.runtime.sessions import Graph
from seetell.tasks.text_detection.line_finder import LineFinder
from seetell.tasks.text_detection.scoring import bounding_boxes

TEXT = "text"
"""What a region is called."""


class LinePredictor(BundlePredictor[Image.Image, Regions]):
    """A detector of lines; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        finder: finds lines with their corners.
    """

    task = "text_detection"
    batch_size = 4
    batch_per_thread = False  # a large image takes hundreds of megabytes

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.finder = LineFinder(Graph.open(bundle, "line_detector", precision=precision, threads=self.threads))

    def prepare(self, image: PhotoSource, text: str = "") -> Image.Image:
        """Open an image; see :meth:`Predictor.prepare`."""
        return open_photo(image)

    def bind(self, *, threshold: float = 0.0) -> BatchFn[Image.Image, Regions]:
        """Return the function that finds the lines of a batch.

        Args:
            threshold: least score, from 0 to 1.

        Raises:
            UsageError: ``threshold`` is out of its range.
        """
        check_share("threshold", threshold)
        return self.batched(self._predict, threshold=threshold)

    def _predict(self, batch: Sequence[Image.Image], sample_ids: Sequence[int], *, threshold: float) -> list[Regions]:
        results = []
        for image in batch:
            found = self.finder.find(image)
            boxes = bounding_boxes(found.corners)
            lines = [
                Region(TEXT, (left, top, right, bottom), score)
                for (left, top, right, bottom), score in zip(boxes.tolist(), found.scores.tolist(), strict=True)
                if score >= threshold and right > left and bottom > top
            ]
            lines.sort(key=lambda line: -line.score)
            results.append(Regions(tuple(lines), image.size, self.name))
        return results
