"""Objects of images from a bundle, on ONNX Runtime.

>>> import seetell
>>> for region in seetell.load("detect").predict("photo.jpg", threshold=0.5):
...     print(region.box, region.text)

Letters: ``B`` images, ``N`` candidates of an image, ``K`` classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from seetell.geometry.boxes import CANDIDATES, Boxes, boxes_of, nms, nms_per_class
from seetell.photos.opening import PhotoSource
from seetell.results import Region, Regions
from seetell.runtime.bundle import Bundle, numbers
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.image_stream import preprocess_with_size
from seetell.tasks.detection.candidates import open_finder
from seetell.tasks.detection.detector import Detector, Wanted

Prepared = tuple[np.ndarray, tuple[int, int]]
"""The detector's input ``(3, H, W)`` float32, and the image's width and height."""


@dataclass(frozen=True)
class Selection:
    """How objects are chosen among the candidates: the setting ``selection`` of a bundle.

    Attributes:
        threshold: least score.
        nms_iou: of two boxes of a class that overlap more, the one of higher score is kept.
    """

    threshold: float
    nms_iou: float

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Selection:
        """Read the setting.

        Raises:
            KeyError: a field is missing.
            TypeError: one is not a number from 0 to 1.
        """
        names = [field.name for field in fields(cls)]
        return cls(**numbers(content, names, least=0, most=1, expected="numbers from 0 to 1"))


class BundleDetector(BundlePredictor[Prepared, Regions], Detector[Prepared]):
    """A detector of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        selection: how it chooses objects.
    """

    takes_resized = True
    batch_size = 4

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.labels = bundle.require_labels()
        self.selection = bundle.setting("selection", Selection.from_dict)
        self.threshold = self.selection.threshold
        self._find = open_finder(bundle, precision=precision, threads=self.threads)

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, wanted: Wanted) -> list[Regions]:
        images = np.stack([image for image, _ in batch])
        return [
            self._regions(scores, boxes, size, wanted)
            for (scores, boxes), (_, size) in zip(self._find(images), batch, strict=True)
        ]

    def _regions(self, scores: np.ndarray, boxes: Boxes, size: tuple[int, int], wanted: Wanted) -> Regions:
        most = wanted.top if wanted.same_place_iou == 1 else max(wanted.top, CANDIDATES)
        kept, classes = nms_per_class(
            boxes, scores, threshold=wanted.threshold, iou_threshold=self.selection.nms_iou, max_boxes=most
        )
        chosen = boxes_of(boxes, kept, classes)
        told = nms(chosen, scores[kept, classes], iou_threshold=wanted.same_place_iou, max_boxes=wanted.top)
        kept, classes, chosen = kept[told], classes[told], chosen[told]
        left, upper, right, lower = self.bundle.preprocessing.visible_box(size)
        start, extent = np.array([left, upper] * 2), np.array([right - left, lower - upper] * 2)
        edges = np.clip(start + chosen * extent, 0, np.tile(size, 2))
        regions = [
            Region(self.labels[label], (x0, y0, x1, y1), float(scores[row, label]))
            for row, label, (x0, y0, x1, y1) in zip(kept, classes, edges.tolist(), strict=True)
        ]
        return Regions(tuple(regions), size, self.name)
