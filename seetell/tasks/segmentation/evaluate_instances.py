"""Score masks of objects with COCO's average precision, that of pixels and that of boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.data.objects import read_objects
from seetell.data.records import ObjectPhoto
from seetell.errors import DataError
from seetell.geometry.masks import encode
from seetell.geometry.polygons import fill_polygons
from seetell.metrics.detection import Detection, detection_average_precision
from seetell.metrics.instances import Instance, mask_average_precision
from seetell.results import row
from seetell.tasks.detection.evaluate import THRESHOLD, TOP, true_boxes
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of

if TYPE_CHECKING:
    from seetell.tasks.segmentation.predict import BundleSegmenter


def evaluate_instances(
    predictor: BundleSegmenter, data: DataOptions, *, split: str, progress: Progress | None, **options: Any
) -> Evaluation:
    """Find the objects of a data set's images, and compare the pixels of each with the true outlines.

    See :mod:`seetell.tasks.evaluation`, and :func:`~seetell.data.objects.read_objects` for the formats that have
    outlines; objects without one are not counted.

    Returns:
        ``mask_AP`` and ``mask_AP50`` of COCO, see :mod:`seetell.metrics.instances`, ``AP`` and ``AP50`` of the boxes,
        and the numbers of ``masks`` and ``photos``; per class the AP of masks. ``rows`` are what
        ``seetell segment --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used or has no outlines, the detector lacks one of its classes, or none of its
            images opens.
    """
    dataset = read_objects(data.path, format=data.format, photos=data.photos, details=True)
    images = images_of(dataset, split)
    lacking = sorted({name for image in images for name in image.classes} - set(predictor.labels))
    if lacking:
        raise DataError(f"{dataset.source}: {predictor.name} does not know the classes {', '.join(lacking)}")
    if not any(details.outline for image in images for details in image.details):
        raise DataError(f"{dataset.source}: expected polygons of objects, in COCO's files or YOLO's labels; found none")
    chosen = {"threshold": THRESHOLD, "top": TOP, "same_place_iou": 1.0, **options}
    found, failures = collect(
        "segmenting", images, predictor.predict_many([image.path for image in images], **chosen), progress
    )
    masks = mask_average_precision(
        {image.id: true_instances(image, result.size) for image, result in found},
        {
            image.id: [Instance(mask.text, mask.counts, result.size, mask.score) for mask in result]
            for image, result in found
        },
    )
    boxes = detection_average_precision(
        {image.id: true_boxes(image, result.size) for image, result in found},
        {image.id: [Detection(mask.text, mask.box, mask.score) for mask in result] for image, result in found},
    )
    return Evaluation(
        {
            "mask_AP": masks.ap,
            "mask_AP50": masks.ap50,
            "AP": boxes.ap,
            "AP50": boxes.ap50,
            "masks": masks.boxes,
            "photos": masks.photos,
        },
        failures,
        details={"classes": dict(masks.per_class)},
        rows=tuple(row(image.path.name, result) for image, result in found),
        notes=dataset.remarks,
    )


def true_instances(image: ObjectPhoto, size: tuple[int, int]) -> list[Instance]:
    """Return the true masks of a photo of some width and height, of the objects that have an outline."""
    instances = []
    for name, details in zip(image.classes, image.details, strict=True):
        if details.outline:
            scaled = [(np.reshape(polygon, (-1, 2)) * size).ravel().tolist() for polygon in details.outline]
            instances.append(Instance(name, encode(fill_polygons(scaled, size)), size))
    return instances
