"""Score a detector on a data set with COCO's average precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seetell.data.yolo import ObjectPhoto, read_yolo
from seetell.errors import DataError
from seetell.metrics.detection import Detection, detection_average_precision
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
    **options: Any,
) -> Evaluation:
    """Find the objects of a data set's images, and score them against the true boxes.

    See :mod:`seetell.tasks.evaluation`. The data set is in YOLO's format.

    Returns:
        ``AP`` and ``AP50``, see :mod:`seetell.metrics.detection`, and the numbers of ``boxes`` and ``photos``; per
        class its AP. ``rows`` are what ``seetell detect --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used, the detector lacks one of its classes, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
    dataset = read_yolo(data.path, format=data.format, photos=data.photos)
    images = images_of(dataset, split)
    lacking = sorted({name for image in images for name in image.classes} - set(predictor.labels))
    if lacking and predictor.labels:
        raise DataError(f"{dataset.source}: {predictor.name} does not know the classes {', '.join(lacking)}")
    chosen = {"threshold": THRESHOLD, "top": TOP, "same_place_iou": 1.0, **options}
    results = predictor.predict_many([image.path for image in images], **chosen)
    found, failures = collect("detecting", images, results, progress)
    scores = detection_average_precision(
        {image.id: _true(image, regions) for image, regions in found},
        {image.id: [Detection(each.text, each.box, each.score) for each in regions] for image, regions in found},
    )
    return Evaluation(
        scores.to_dict(),
        failures,
        details={"classes": dict(scores.per_class)},
        rows=tuple(row(image.path.name, regions) for image, regions in found),
    )


def _true(image: ObjectPhoto, regions: Regions) -> list[Detection]:
    """Return the true boxes in the pixels of the results."""
    width, height = regions.size
    return [
        Detection(name, (left * width, upper * height, right * width, lower * height))
        for name, (left, upper, right, lower) in zip(image.classes, image.boxes, strict=True)
    ]
