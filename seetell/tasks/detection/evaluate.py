"""Score a detector on a data set with COCO's average precision, and with Pascal VOC's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seetell.data.objects import read_objects
from seetell.data.records import ObjectPhoto
from seetell.errors import DataError
from seetell.metrics.detection import Detection, detection_average_precision, voc_average_precision
from seetell.results import Regions, row
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
        of ``boxes`` and ``photos``; per class its AP. ``rows`` are what ``seetell detect --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used, the detector lacks one of its classes, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
    dataset = read_objects(data.path, format=data.format, photos=data.photos, captions=captions)
    images = images_of(dataset, split)
    lacking = sorted({name for image in images for name in image.classes} - set(predictor.labels))
    if lacking and predictor.labels:
        raise DataError(f"{dataset.source}: {predictor.name} does not know the classes {', '.join(lacking)}")
    chosen = {"threshold": THRESHOLD, "top": TOP, "same_place_iou": 1.0, **options}
    results = predictor.predict_many([image.path for image in images], **chosen)
    found, failures = collect("detecting", images, results, progress)
    truth = {image.id: _true(image, regions) for image, regions in found}
    told = {image.id: [Detection(each.text, each.box, each.score) for each in regions] for image, regions in found}
    scores, voc = detection_average_precision(truth, told), voc_average_precision(truth, told)
    return Evaluation(
        {**scores.to_dict(), "VOC2007": voc.map_2007, "VOC2010": voc.map_2010},
        failures,
        details={"classes": dict(scores.per_class)},
        rows=tuple(row(image.path.name, regions) for image, regions in found),
        notes=dataset.remarks,
    )


def _true(image: ObjectPhoto, regions: Regions) -> list[Detection]:
    """Return the true boxes in the pixels of the results."""
    width, height = regions.size
    return [
        Detection(name, (left * width, upper * height, right * width, lower * height))
        for name, (left, upper, right, lower) in zip(image.classes, image.boxes, strict=True)
    ]
