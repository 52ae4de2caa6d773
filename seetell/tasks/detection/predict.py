"""Objects of images from a bundle, on ONNX Runtime.

>>> import seetell
>>> for region in seetell.load("detect").predict("photo.jpg", threshold=0.5):
...     print(region.box, region.text)

Letters: ``B`` images, ``N`` candidates of an image, ``K`` classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from seetell.errors import PhotoError, UsageError
from seetell.geometry.boxes import CANDIDATES, Box, Boxes, boxes_of, clipped, in_pixels, nms, nms_per_class
from seetell.geometry.heat_maps import points_of
from seetell.geometry.key_points import KeyPoints
from seetell.logistic import sigmoid
from seetell.photos.opening import PhotoSource
from seetell.results import Point, Region, Regions
from seetell.runtime.bundle import Bundle
from seetell.runtime.bundle_predictor import BundlePredictor
from seetell.runtime.option_checks import check_count
from seetell.runtime.resized_images import preprocess_with_size
from seetell.runtime.setting_checks import numbers
from seetell.tasks.detection.branch import open_branch
from seetell.tasks.detection.candidates import TwoGraphs, open_finder
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


@dataclass(frozen=True)
class Found:
    """The objects of an image.

    Attributes:
        classes: of each, ``(N,)`` from 0, highest score first.
        scores: ``(N,)``.
        boxes: ``(N, 4)`` in pixels of the image, perhaps beyond it.
        details: what the branch finds in each box, ``(N, …)``; ``None`` without one.
        size: width and height of the image.
    """

    classes: np.ndarray
    scores: np.ndarray
    boxes: Boxes
    details: np.ndarray | None
    size: tuple[int, int]

    @property
    def clipped(self) -> list[Box]:
        """The boxes within the image."""
        edges = clipped(self.boxes, self.size).tolist()
        return [(left, top, right, bottom) for left, top, right, bottom in edges]


class BundleDetector(BundlePredictor[Prepared, Regions], Detector[Prepared]):
    """A detector of a bundle; see :class:`~seetell.runtime.bundle_predictor.BundlePredictor`.

    Attributes:
        selection: how it chooses objects.
        branch: finds their masks or key points; ``None`` without one.
        key_points: of each object; without names where there are none.
    """

    takes_resized = True
    batch_size = 4

    def __init__(self, bundle: Bundle, *, precision: str | None = None, threads: int | None = None) -> None:
        super().__init__(bundle, precision=precision, threads=threads)
        self.labels = bundle.require_labels()
        self.selection = bundle.setting("selection", Selection.from_dict)
        self.threshold = self.selection.threshold
        self._find = open_finder(bundle, precision=precision, threads=self.threads)
        self.branch = open_branch(bundle, self._find, threads=self.threads)
        posed = self.branch is not None and self.branch.name == "key_points"
        self.key_points = bundle.setting("key_points", KeyPoints.from_dict) if posed else KeyPoints()

    def prepare(self, image: PhotoSource, text: str = "") -> Prepared:
        """Open an image; see :meth:`Predictor.prepare`."""
        return preprocess_with_size(image, self.bundle.preprocessing)

    @property
    def proposes(self) -> bool:
        """Whether it looks closer at boxes that it proposes itself."""
        return isinstance(self._find, TwoGraphs)

    def propose_many(self, images: Iterable[PhotoSource], *, top: int) -> Iterator[Regions | PhotoError]:
        """Return the boxes of many images that it looks closer at, without a text; for measuring recall.

        Args:
            images: see :meth:`predict_many`.
            top: maximum number of boxes per image, best first.

        Raises:
            UsageError: ``top`` is below 1, or the detector proposes no boxes.
        """
        check_count("top", top)
        if not isinstance(self._find, TwoGraphs):
            raise UsageError(f"{self.name} proposes no boxes of its own")
        return self._stream(images, partial(self._propose, find=self._find, top=top))

    def _propose(
        self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, find: TwoGraphs, top: int
    ) -> list[Regions]:
        proposed = find.propose(np.stack([image for image, _ in batch]), most=top)
        sides = np.tile([self.bundle.preprocessing.width, self.bundle.preprocessing.height], 2)
        results = []
        for (_, size), (boxes, logits) in zip(batch, proposed, strict=True):
            edges = clipped(self._placed(boxes / sides, size), size)
            scores = sigmoid(logits.astype(np.float64))
            regions = [
                Region("", (x0, y0, x1, y1), score)
                for (x0, y0, x1, y1), score in zip(edges.tolist(), scores.tolist(), strict=True)
                if x0 < x1 and y0 < y1
            ]
            results.append(Regions(tuple(regions), size, self.name))
        return results

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, wanted: Wanted) -> list[Regions]:
        return [self._regions(each) for each in self.find(batch, wanted, looking=bool(self.key_points.names))]

    def find(self, batch: Sequence[Prepared], wanted: Wanted, *, looking: bool) -> list[Found]:
        """Find the objects of a batch.

        Args:
            batch: see :meth:`prepare`.
            wanted: which of them.
            looking: whether the branch looks at them.
        """
        images = np.stack([image for image, _ in batch])
        if isinstance(self._find, TwoGraphs):
            candidates, trunk = self._find.with_trunk(images)
        else:
            candidates, trunk = self._find(images), {}
        chosen = [self._chosen(scores, boxes, wanted) for scores, boxes in candidates]
        details: Sequence[np.ndarray | None] = [None] * len(batch)
        if looking and self.branch is not None:
            details = self.branch(trunk, [boxes for *_, boxes in chosen], [classes for classes, *_ in chosen])
        found = []
        for (classes, scores, boxes), own, (_, size) in zip(chosen, details, batch, strict=True):
            found.append(Found(classes, scores, self._placed(boxes, size), own, size))
        return found

    def _chosen(self, scores: np.ndarray, boxes: Boxes, wanted: Wanted) -> tuple[np.ndarray, np.ndarray, Boxes]:
        """Return classes, scores and normalised boxes of the objects among the candidates of an image."""
        most = wanted.top if wanted.same_place_iou == 1 else max(wanted.top, CANDIDATES)
        kept, classes = nms_per_class(
            boxes, scores, threshold=wanted.threshold, iou_threshold=self.selection.nms_iou, max_boxes=most
        )
        chosen = boxes_of(boxes, kept, classes)
        told = nms(chosen, scores[kept, classes], iou_threshold=wanted.same_place_iou, max_boxes=wanted.top)
        return classes[told], scores[kept[told], classes[told]], chosen[told]

    def _regions(self, found: Found) -> Regions:
        regions = [
            Region(self.labels[label], box, float(score), self._points(found, place))
            for place, (label, score, box) in enumerate(zip(found.classes, found.scores, found.clipped, strict=True))
        ]
        return Regions(tuple(regions), found.size, self.name, self.key_points.skeleton)

    def _points(self, found: Found, place: int) -> tuple[Point, ...]:
        if found.details is None:
            return ()
        left, top, right, bottom = found.boxes[place].tolist()
        points = points_of(found.details[place], (left, top, right, bottom)).tolist()
        return tuple(
            Point(name, x, y, score) for name, (x, y, score) in zip(self.key_points.names, points, strict=True)
        )

    def _placed(self, boxes: Boxes, size: tuple[int, int]) -> Boxes:
        """Return normalised boxes ``(N, 4)`` in pixels of the photo, perhaps beyond it."""
        return in_pixels(boxes, visible=self.bundle.preprocessing.visible_box(size))
