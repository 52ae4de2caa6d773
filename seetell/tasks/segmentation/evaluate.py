"""Score a segmenter on images with label maps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.errors import DataError
from seetell.geometry.masks import label_map
from seetell.metrics.segmentation import count_pixels, segmentation_scores
from seetell.results import row
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of
from seetell.tasks.segmentation.data import read_label_map, read_label_maps
from seetell.tasks.segmentation.evaluate_instances import evaluate_instances

if TYPE_CHECKING:
    from seetell.tasks.segmentation.predict import BundleSegmenter


def evaluate(
    predictor: BundleSegmenter,
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Segment the images of a data set, and compare each pixel with its label map, at the size of the image.

    See :mod:`seetell.tasks.evaluation`, and :mod:`seetell.tasks.segmentation.data` for the data set; of a model that
    finds objects :func:`~.evaluate_instances.evaluate_instances`. Without ``classes.txt`` the values of label maps are
    numbers of the segmenter's own classes.

    Returns:
        ``mean_iou``, ``pixel_accuracy``, ``mean_accuracy`` and ``frequency_weighted_iou``, see
        :mod:`seetell.metrics.segmentation`, and the number of ``photos``; the IoU of each class that is there or was
        found. ``rows`` are what ``seetell segment --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used, the segmenter lacks one of its classes, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
    if predictor.finds_objects:
        return evaluate_instances(predictor, data, split=split, progress=progress, **options)
    dataset = read_label_maps(data.path, labels=predictor.labels, format=data.format)
    images = images_of(dataset, split)
    results = predictor.predict_many([image.path for image in images], **options)
    found, failures = collect("segmenting", images, results, progress)
    classes = len(predictor.labels)
    counts = np.zeros((classes, classes + 1), np.int64)
    for image, masks in found:
        true = read_label_map(image, dataset.classes, size=masks.size)
        predicted = label_map([(mask.counts, mask.index) for mask in masks], masks.size).astype(np.int64) - 1
        counts += count_pixels(true, predicted, classes)
    if not counts.any():
        raise DataError(f"{dataset.source}: no pixel of the split {split!r} has a class")
    scores = segmentation_scores(counts)
    named = zip(predictor.labels, scores.iou, strict=True)
    return Evaluation(
        {**scores.to_dict(), "photos": len(found)},
        failures,
        details={"classes": {name: iou for name, iou in named if not math.isnan(iou)}},
        rows=tuple(row(str(image.id), masks) for image, masks in found),
        notes=dataset.remarks,
    )
