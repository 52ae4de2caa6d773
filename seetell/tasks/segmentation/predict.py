"""Masks of images from a bundle, on ONNX Runtime: a semantic map, or the objects that a detector finds.

>>> import seetell
>>> for mask in seetell.load("my-segmenter").predict("street.jpg"):
...     print(f"{mask.share:.0%} {mask.text}")

Letters: ``B`` images, ``K`` classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from seetell.geometry.boxes import Box
from seetell.geometry.masks import encode, mask_box
from seetell.photos.opening import PhotoSource
from seetell.results import Mask, Masks
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import BatchFn
from seetell.runtime.option_checks import check_share
from seetell.runtime.resized_images import preprocess_with_size
from seetell.runtime.sessions import Graph
from seetell.tasks.segmentation.instances import InstanceNetwork, Prepared

FINEST = 2048
"""Pixels of the longer side, beyond which probabilities are not interpolated: the nearest pixel is taken."""


class BundleSegmenter(BundlePredictor[Prepared, Masks]):
    """A segmenter of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        labels: the classes that it knows.
        finds_objects: whether masks are those of objects, found by a detector such as Mask R-CNN, rather than those of
            classes.
    """

    task = "segmentation"
    takes_resized = True
    batch_size = 4

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.labels = bundle.require_labels()
        self.finds_objects = bundle.task == "detection"
        make = InstanceNetwork if self.finds_objects else SemanticNetwork
        self._network: InstanceNetwork | SemanticNetwork = make(bundle, precision=precision, threads=self.threads)

    def bind(self, *, threshold: float | None = None, **options: Any) -> BatchFn[Prepared, Masks]:
        """Return the function that segments a batch.

        Args:
            threshold: least probability of a pixel's class, less sure pixels being of none, 0 when absent; or least
                score of an object, the model's own when absent.
            options: of objects, see :meth:`seetell.tasks.detection.detector.Detector.bind`.

        Raises:
            UsageError: a number is out of its range.
        """
        return self._network.bind(threshold=threshold, **options)

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)


class SemanticNetwork:
    """The graph ``segmenter``: from images to the probabilities of classes.

    Args:
        bundle: the model.
        precision: see :class:`BundleSegmenter`.
        threads: to compute with.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self._bundle, self._labels = bundle, bundle.require_labels()
        self._segmenter = Graph.open(bundle, "segmenter", precision=precision, threads=threads)
        self._segmenter.require(inputs=["images"], outputs=["probabilities"])

    def bind(self, *, threshold: float | None) -> BatchFn[Prepared, Masks]:
        """Return the function that segments a batch; see :meth:`BundleSegmenter.bind`."""
        least = 0.0 if threshold is None else threshold
        check_share("threshold", least)
        return partial(self._predict, threshold=least)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, threshold: float) -> list[Masks]:
        images = np.stack([image for image, _ in batch])
        (probabilities,) = self._segmenter.run({"images": images}, ["probabilities"])  # (B, K, H, W)
        return [self._masks(each, size, threshold) for each, (_, size) in zip(probabilities, batch, strict=True)]

    def _masks(self, probabilities: np.ndarray, size: tuple[int, int], threshold: float) -> Masks:
        left, top, right, bottom = self._bundle.preprocessing.visible_box(size)
        cells = probabilities.shape[2] / (right - left), probabilities.shape[1] / (bottom - top)
        part = -left * cells[0], -top * cells[1], (size[0] - left) * cells[0], (size[1] - top) * cells[1]
        numbers, best = most_probable(probabilities, part, size)
        numbers[best < threshold] = 0
        masks = []
        for number in np.flatnonzero(np.bincount(numbers.ravel(), minlength=len(self._labels) + 1)):
            if number == 0:
                continue
            inside = numbers == number
            score = float(best[inside].mean(dtype=np.float64))
            if (numbers.shape[1], numbers.shape[0]) != size:
                inside = np.asarray(Image.fromarray(inside).resize(size, Image.Resampling.NEAREST))
            share = float(inside.mean(dtype=np.float64))
            if share > 0:
                text = self._labels[number - 1]
                masks.append(Mask(text, score, share, mask_box(inside), encode(inside), int(number)))
        return Masks(tuple(sorted(masks, key=lambda mask: -mask.share)), size, self._bundle.name)


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
