"""Semantic maps of images from a bundle, on ONNX Runtime.

>>> import seetell
>>> for mask in seetell.load("my-segmenter").predict("street.jpg"):
...     print(f"{mask.share:.0%} {mask.text}")

Letters: ``B`` images, ``K`` classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from seetell.geometry.boxes import Box
from seetell.geometry.masks import encode, mask_box
from seetell.photos.opening import PhotoSource
from seetell.results import Mask, Masks
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn, preprocess_with_size
from seetell.runtime.option_checks import check_share
from seetell.runtime.sessions import Graph

FINEST = 2048
"""Pixels of the longer side, beyond which probabilities are not interpolated: the nearest pixel is taken."""

Prepared = tuple[np.ndarray, tuple[int, int]]
"""The network's input ``(3, H, W)`` float32, and the image's width and height."""


class BundleSegmenter(BundlePredictor[Prepared, Masks]):
    """A segmenter of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        labels: the classes that it knows.
    """

    task = "segmentation"
    takes_resized = True
    batch_size = 4

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.labels = bundle.require_labels()
        self._segmenter = Graph.open(bundle, "segmenter", precision=precision, threads=self.threads)
        self._segmenter.require(inputs=["images"], outputs=["probabilities"])

    def bind(self, *, threshold: float = 0.0) -> BatchFn[Prepared, Masks]:
        """Return the function that segments a batch.

        Args:
            threshold: least probability of a pixel's class; less sure pixels are of none.

        Raises:
            UsageError: it is not from 0 to 1.
        """
        check_share("threshold", threshold)
        return self.batched(self._predict, threshold=threshold)

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, threshold: float) -> list[Masks]:
        images = np.stack([image for image, _ in batch])
        (probabilities,) = self._segmenter.run({"images": images}, ["probabilities"])  # (B, K, H, W)
        return [self._masks(each, size, threshold) for each, (_, size) in zip(probabilities, batch, strict=True)]

    def _masks(self, probabilities: np.ndarray, size: tuple[int, int], threshold: float) -> Masks:
        left, top, right, bottom = self.bundle.preprocessing.visible_box(size)
        cells = probabilities.shape[2] / (right - left), probabilities.shape[1] / (bottom - top)
        part = -left * cells[0], -top * cells[1], (size[0] - left) * cells[0], (size[1] - top) * cells[1]
        numbers, best = most_probable(probabilities, part, size)
        numbers[best < threshold] = 0
        masks = []
        for number in np.flatnonzero(np.bincount(numbers.ravel(), minlength=len(self.labels) + 1)):
            if number == 0:
                continue
            inside = numbers == number
            score = float(best[inside].mean(dtype=np.float64))
            if (numbers.shape[1], numbers.shape[0]) != size:
                inside = np.asarray(Image.fromarray(inside).resize(size, Image.Resampling.NEAREST))
            share = float(inside.mean(dtype=np.float64))
            if share > 0:
                masks.append(Mask(self.labels[number - 1], score, share, mask_box(inside), encode(inside), int(number)))
        return Masks(tuple(sorted(masks, key=lambda mask: -mask.share)), size, self.name)


def most_probable(probabilities: np.ndarray, part: Box, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate the probabilities of each class, and choose among them.

    Args:
        probabilities: ``(K, H, W)`` float32.
        part: the part of them that shows the image, ``xyxy`` in cells.
        size: width and height of the image.

    Returns:
        The number of each pixel's class, from 1, ``(h, w)`` int64, and its probability; in the size of the image, or of
        one whose longer side has :data:`FINEST` pixels.
    """
    scale = min(1.0, FINEST / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    best = np.full((height, width), -1.0, np.float32)
    numbers = np.zeros((height, width), np.int64)
    for number, each in enumerate(probabilities, 1):
        if each.max() < 1 / len(probabilities):  # it can win nowhere
            continue
        finer = np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BILINEAR, box=part))
        wins = finer > best
        best[wins], numbers[wins] = finer[wins], number
    return numbers, best
