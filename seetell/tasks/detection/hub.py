"""Objects of images from detectors of transformers, such as DETR, RT-DETR, YOLOS and D-FINE, and from Florence-2.

>>> import seetell
>>> for region in seetell.load("hf:facebook/detr-resnet-50", task="detect").predict("photo.jpg"):
...     print(region.box, region.text)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from seetell.geometry.boxes import clipped, nms
from seetell.results import Region, Regions
from seetell.runtime.backends.transformers.florence import FlorencePredictor
from seetell.runtime.backends.transformers.predictor import HubLoader, HubPredictor, Prepared
from seetell.runtime.backends.transformers.source import Source
from seetell.tasks.detection.detector import Detector, Wanted

THRESHOLD = 0.5
"""Least score by default, as transformers itself has it."""


class HubDetector(HubPredictor[Regions], Detector[Prepared]):
    """A detector of transformers; see :class:`~seetell.runtime.backends.transformers.predictor.HubPredictor`."""

    threshold = THRESHOLD
    tables = ("MODEL_FOR_OBJECT_DETECTION",)
    auto_classes = ("AutoModelForObjectDetection",)
    batch_size = 4

    def __init__(self, source: Source, **options: Any) -> None:
        super().__init__(source, **options)
        self._names = {int(index): str(name) for index, name in self.model.network.config.id2label.items()}
        self.labels = tuple(name for name in self._names.values() if name != "N/A")

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, wanted: Wanted) -> list[Regions]:
        """Images whose inputs are of one size go through the network together: none is padded."""
        inputs = [self.model.image_processor(images=each.image, return_tensors="pt") for each in batch]
        alike: dict[tuple[int, ...], list[int]] = {}
        for row, each in enumerate(inputs):
            alike.setdefault(tuple(each["pixel_values"].shape), []).append(row)
        found: dict[int, Regions] = {}
        for rows in alike.values():
            joined = {name: torch.cat([inputs[row][name] for row in rows]) for name in inputs[rows[0]]}
            outputs = self.model.network(**self.model.on_device(joined))
            sizes = [batch[row].size for row in rows]
            objects = self.model.image_processor.post_process_object_detection(
                outputs, threshold=wanted.threshold, target_sizes=[(height, width) for width, height in sizes]
            )
            for row, size, each in zip(rows, sizes, objects, strict=True):
                regions = [
                    Region(self._names[label], (x0, y0, x1, y1), score)
                    for label, score, (x0, y0, x1, y1) in zip(
                        each["labels"].tolist(),
                        each["scores"].tolist(),
                        clipped(each["boxes"].float().cpu().numpy(), size).tolist(),
                        strict=True,
                    )
                    if self._names[label] != "N/A"
                ]
                found[row] = Regions(top_regions(regions, wanted), size, self.name)
        return [found[row] for row in range(len(batch))]


class FlorenceDetector(FlorencePredictor[Regions], Detector[Prepared]):
    """Florence-2 asked for objects, which it names in words of its own, without a list of classes.

    Its ``threshold`` is 0, since it writes down what it is sure of.
    """

    labels = ()
    threshold = 0.0

    def _predict(self, batch: Sequence[Prepared], sample_ids: Sequence[int], *, wanted: Wanted) -> list[Regions]:
        located = self.locate(batch, ["<OD>"] * len(batch), sample_ids)
        return [
            Regions(
                top_regions([one for one in regions if one.score >= wanted.threshold], wanted),
                each.size,
                self.name,
            )
            for regions, each in zip(located, batch, strict=True)
        ]


load = HubLoader((HubDetector, FlorenceDetector))
"""Loads detectors."""


def top_regions(regions: Sequence[Region], wanted: Wanted) -> tuple[Region, ...]:
    """Return the regions that are kept, highest score first."""
    boxes = np.array([region.box for region in regions], np.float64).reshape(-1, 4)
    scores = np.array([region.score for region in regions])
    return tuple(regions[row] for row in nms(boxes, scores, iou_threshold=wanted.same_place_iou, max_boxes=wanted.top))
