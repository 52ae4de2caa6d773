"""Score a detector on a data set with COCO's average precision, and with Pascal VOC's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.data.objects import read_objects
from seetell.data.records import ObjectPhoto, RegionRecord
from seetell.errors import DataError
from seetell.geometry.key_points import KeyPoints
from seetell.metrics.dense import COUNTS, dense_average_precision
from seetell.metrics.detection import Detection, detection_average_precision, voc_average_precision
from seetell.metrics.key_points import PosedObject, key_point_average_precision, sigmas_of
from seetell.results import Regions, row
from seetell.tasks.detection.predict import BundleDetector
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of

if TYPE_CHECKING:
    from seetell.tasks.detection.detector import Detector

THRESHOLD, TOP = 0.05, 100
"""Average precision needs the objects of low score, too: these are NanoDet's own."""


def evaluate(
    predictor: Detector[Any],
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    captions: Path | None = None,
    **options: Any,
) -> Evaluation:
    """Find the objects of a data set's images, and score them against the true boxes.

    See :mod:`seetell.tasks.evaluation`, and :func:`~seetell.data.objects.read_objects` for the formats and
    ``captions``.

    Returns:
        ``AP`` and ``AP50`` of COCO, ``VOC2007`` and ``VOC2010``, see :mod:`seetell.metrics.detection`, and the numbers
        of ``boxes`` and ``photos``; of a detector that proposes boxes, the recall of the first 50, 100 and 300 of them
        at an IoU of 0.5, see :mod:`seetell.metrics.dense`; of one that finds key points, ``key_point_AP`` and
        ``key_point_AP50``, see :mod:`seetell.metrics.key_points`; per class its AP. ``rows`` are what
        ``seetell detect --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used, the detector lacks one of its classes, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
    own = predictor.key_points if isinstance(predictor, BundleDetector) else KeyPoints()
    dataset = read_objects(
        data.path, format=data.format, photos=data.photos, captions=captions, details=bool(own.names)
    )
    images = images_of(dataset, split)
    lacking = sorted({name for image in images for name in image.classes} - set(predictor.labels))
    if lacking and predictor.labels:
        raise DataError(f"{dataset.source}: {predictor.name} does not know the classes {', '.join(lacking)}")
    chosen = {"threshold": THRESHOLD, "top": TOP, "same_place_iou": 1.0, **options}
    results = predictor.predict_many([image.path for image in images], **chosen)
    found, failures = collect("detecting", images, results, progress)
    truth = {image.id: true_boxes(image, regions.size) for image, regions in found}
    told = {image.id: [Detection(each.text, each.box, each.score) for each in regions] for image, regions in found}
    scores, voc = detection_average_precision(truth, told), voc_average_precision(truth, told)
    recall = (
        _recall(predictor, [image for image, _ in found], truth, progress)
        if isinstance(predictor, BundleDetector) and predictor.proposes
        else {}
    )
    points = _key_points(found, dataset.key_points, own) if own.names else {}
    return Evaluation(
        {**scores.to_dict(), "VOC2007": voc.map_2007, "VOC2010": voc.map_2010, **recall, **points},
        failures,
        details={"classes": dict(scores.per_class)},
        rows=tuple(row(image.path.name, regions) for image, regions in found),
        notes=dataset.remarks,
    )


def _recall(
    predictor: BundleDetector,
    images: Sequence[ObjectPhoto],
    truth: Mapping[Any, Sequence[Detection]],
    progress: Progress | None,
) -> dict[str, float]:
    """Return the share of true boxes that the first proposals find, by their number, as dense captioners have it."""
    results = predictor.propose_many([image.path for image in images], top=max(COUNTS))
    proposed, _ = collect("proposing boxes", images, results, progress)
    true = {photo: [RegionRecord(each.box, (each.label,)) for each in boxes] for photo, boxes in truth.items()}
    found = {image.id: regions.regions for image, regions in proposed}
    recall = dense_average_precision(true, found, phrases=False).recall
    return {f"recall@{count}": recall[count].at_half for count in COUNTS}


def _key_points(found: Sequence[tuple[ObjectPhoto, Regions]], true: KeyPoints, own: KeyPoints) -> dict[str, float]:
    """Return the average precision of key points.

    Raises:
        DataError: the data set has others than the detector.
    """
    if true.names != own.names:
        raise DataError(
            f"expected photos with the key points {', '.join(own.names)}; got {', '.join(true.names) or 'none'}"
        )
    truth, told = {}, {}
    for image, regions in found:
        sides = np.array(regions.size)
        truth[image.id] = [
            PosedObject(box.label, each.points * [*sides, 1], box.box, each.area * float(sides.prod()))
            for box, each in zip(true_boxes(image, regions.size), image.details, strict=True)
        ]
        told[image.id] = [
            PosedObject(each.text, np.array([[point.x, point.y, 1] for point in each.points]), score=each.score)
            for each in regions
        ]
    scores = key_point_average_precision(truth, told, sigmas_of(own.names))
    return {"key_point_AP": scores.ap, "key_point_AP50": scores.ap50}


def true_boxes(image: ObjectPhoto, size: tuple[int, int]) -> list[Detection]:
    """Return the true boxes of a photo of some width and height, in its pixels."""
    width, height = size
    return [
        Detection(name, (left * width, upper * height, right * width, lower * height))
        for name, (left, upper, right, lower) in zip(image.classes, image.boxes, strict=True)
    ]
