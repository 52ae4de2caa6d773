"""Score a classifier on labelled images: top-1 and top-5 accuracy, calibration, and the confusion matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.atomic_write import atomic_file
from seetell.errors import DataError
from seetell.tasks.classification.data import label_of, read_class_folders
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of

if TYPE_CHECKING:
    from seetell.tasks.classification.classifier import Classifier

BINS = 15


def evaluate(
    predictor: Classifier[Any],
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    confusion: Path | None = None,
    **options: Any,
) -> Evaluation:
    """Label the images of a data set, a folder per class, and compare with the true labels.

    See :mod:`seetell.tasks.evaluation`. ``confusion`` is the file of a picture to write of the confusion matrix, rows
    being true labels.

    Returns:
        ``top_1`` and ``top_5``, the shares of images whose label is the first, or among the first five;
        ``calibration_error``, see :func:`calibration_error`; and per label the share found first. ``rows`` are the
        labels of each image.

    Raises:
        DataError: the data set cannot be used, the classifier lacks one of its labels, or none of its images opens.
        UsageError: an option has no such value.
    """
    predictor.check(**options)
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
        "photos": len(labelled),
    }
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
    )


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
