"""Score a classifier on labelled images: top-1 and top-5 accuracy, calibration, the confusion matrix, and boxes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.atomic_write import atomic_file
from seetell.errors import DataError
from seetell.geometry.boxes import Box, iou
from seetell.tasks.classification.data import FORMAT, LEAST_IOU, label_of, read_class_folders
from seetell.tasks.classification.objects import read_largest_objects
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of

if TYPE_CHECKING:
    from seetell.results import Labels
    from seetell.tasks.classification.classifier import Classifier

BINS = 15


def evaluate(
    predictor: Classifier[Any],
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    confusion: Path | None = None,
    captions: Path | None = None,
    **options: Any,
) -> Evaluation:
    """Label the images of a data set, a folder per class, and compare with the true labels.

    See :mod:`seetell.tasks.evaluation`. ``confusion`` is the file of a picture to write of the confusion matrix, rows
    being true labels. A model that finds boxes is compared with the largest object of each photo of a data set of
    boxes; ``captions`` is as in :func:`seetell.data.objects.read_objects`.

    Returns:
        ``top_1`` and ``top_5``, the shares of images whose label is the first, or among the first five;
        ``calibration_error``, see :func:`calibration_error`; and per label the share found first. Of boxes, those of
        :func:`box_scores`. ``rows`` are the labels of each image.

    Raises:
        DataError: the data set cannot be used, the classifier lacks one of its labels, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
    if located := predictor.localises and data.format != FORMAT:
        dataset = read_largest_objects(
            data.path, labels=predictor.labels, format=data.format, photos=data.photos, captions=captions
        )
    else:
        dataset = read_class_folders(data.path, format=data.format)
    lacking = sorted(set(dataset.labels) - set(predictor.labels))
    if lacking:
        raise DataError(f"{dataset.source}: {predictor.name} does not know the labels {', '.join(lacking)}")
    images = images_of(dataset, split)
    results = predictor.predict_many([image.path for image in images], **{"top": 5, **options})
    labelled, failures = collect("classifying", images, results, progress)
    true = [label_of(image) for image, _ in labelled]
    first = [labels[0].text for _, labels in labelled]
    hits = np.array([text == label for text, label in zip(first, true, strict=True)])
    among_five = [label_of(image) in {label.text for label in labels.top(5)} for image, labels in labelled]
    scores = {
        "top_1": float(hits.mean()),
        "top_5": float(np.mean(among_five)),
        "calibration_error": calibration_error(np.array([labels[0].score for _, labels in labelled]), hits),
    }
    if located:
        boxes = [dataset.boxes[image.id] for image, _ in labelled]
        scores |= box_scores(boxes, [labels for _, labels in labelled], hits)
    scores["photos"] = len(labelled)
    if confusion is not None:
        from seetell.tasks.classification.confusion import confusion_matrix, draw_confusion

        shown = [label for label in predictor.labels if label in {*true, *first}]
        picture = draw_confusion(confusion_matrix(true, first, shown), shown)
        with atomic_file(confusion) as file:
            picture.save(file, format="PNG")
    recalls = {
        label: float(hits[[each == label for each in true]].mean()) for label in predictor.labels if label in {*true}
    }
    return Evaluation(
        scores,
        failures,
        details={"labels": recalls},
        rows=tuple(
            {"image": str(image.id), "label": label_of(image), **labels.to_dict()} for image, labels in labelled
        ),
        notes=dataset.remarks,
    )


def box_scores(true: Sequence[Box], results: Sequence[Labels], hits: np.ndarray) -> dict[str, float]:
    """Compare the boxes of images with the true ones.

    Args:
        true: ``N`` boxes ``xyxy`` normalised to [0, 1].
        results: as many, with boxes.
        hits: whether the first label is right, ``(N,)`` bool.

    Returns:
        ``localisation_error``, the share of images whose first label is wrong or whose box has an intersection over
        union with the true one below 0.5 (Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV
        2015, section 4.2, for one label); ``box_accuracy``, the share whose box is right, whatever the label.
    """
    sides = np.array([result.size for result in results], np.float64)  # (N, 2)
    found = np.array([result.box for result in results], np.float64) / np.tile(sides, 2)
    right = iou(np.array(true, np.float64), found) >= LEAST_IOU
    return {"localisation_error": 1 - float((right & hits).mean()), "box_accuracy": float(right.mean())}


def calibration_error(confidences: np.ndarray, hits: np.ndarray) -> float:
    """Return the expected calibration error of the first labels.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, equation 3: the mean difference between
    confidence and accuracy over bins of equal width, weighted by the images in each.

    Args:
        confidences: probability of each image's first label, ``(N,)``.
        hits: whether it is right, ``(N,)`` bool.
    """
    bins = np.minimum((confidences * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=confidences, minlength=BINS) - np.bincount(bins, weights=hits, minlength=BINS)
    return float(np.abs(gaps).sum() / len(hits))
