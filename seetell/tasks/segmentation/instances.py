"""Instance segmentation: the masks of a detector that has the graph ``masks``, such as Mask R-CNN."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from seetell.geometry.masks import encode, paste
from seetell.results import Mask, Masks
from seetell.runtime.bundle import Bundle
from seetell.runtime.image_stream import BatchFn
from seetell.tasks.detection.detector import SAME_PLACE_IOU, TOP, Wanted
from seetell.tasks.detection.predict import BundleDetector, Found, Prepared

__all__ = ["InstanceNetwork", "Prepared"]


class InstanceNetwork:
    """A detector and its masks.

    Args:
        bundle: the model.
        precision: see :class:`~.predict.BundleSegmenter`.
        threads: to compute with.
    """

    def __init__(self, bundle: Bundle, *, precision: str | None, threads: int) -> None:
        self._detector = BundleDetector(bundle, precision=precision, threads=threads)

    def bind(
        self, *, threshold: float | None, top: int = TOP, same_place_iou: float = SAME_PLACE_IOU
    ) -> BatchFn[Prepared, Masks]:
        """Return the function that segments a batch; see :meth:`seetell.tasks.detection.detector.Detector.bind`."""
        detector = self._detector
        detector.check(threshold=threshold, top=top, same_place_iou=same_place_iou)
        wanted = Wanted(detector.threshold if threshold is None else threshold, top, same_place_iou)
        return partial(self._predict, wanted=wanted)

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, wanted: Wanted) -> list[Masks]:
        return [self._masks(found) for found in self._detector.find(batch, wanted, looking=True)]

    def _masks(self, found: Found) -> Masks:
        assert found.details is not None
        masks: list[Mask] = []
        for place, (label, score, box) in enumerate(zip(found.classes, found.scores, found.clipped, strict=True)):
            left, top, right, bottom = found.boxes[place].tolist()
            inside = paste(found.details[place], (left, top, right, bottom), found.size)
            share = float(np.count_nonzero(inside) / inside.size)
            if share > 0:
                text = self._detector.labels[label]
                masks.append(Mask(text, float(score), share, box, encode(inside), len(masks) + 1))
        return Masks(tuple(masks), found.size, self._detector.name)
