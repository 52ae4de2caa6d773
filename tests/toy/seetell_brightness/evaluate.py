"""Accuracy on a folder of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of
from seetell_brightness.data import read

if TYPE_CHECKING:
    from seetell_brightness.predict import Judge


def evaluate(
    predictor: Judge, data: DataOptions, *, split: str = "val", progress: Progress | None = None, **options: Any
) -> Evaluation:
    """Label the images of a split and compare with what they are.

    Args:
        predictor: the model.
        data: a folder of images.
        split: ``train``, ``val`` or ``test``.
        progress: called after each image.
        options: of :meth:`Judge.predict`.

    Returns:
        ``accuracy`` and ``photos``; ``rows`` are the labels of each image.

    Raises:
        DataError: the folder has no such images.
    """
    photos = images_of(read(data.path), split)
    results = predictor.predict_many([photo.path for photo in photos], **options)
    worked, failures = collect("labelling", photos, results, progress)
    right = sum(labels[0].text == photo.captions[0] for photo, labels in worked)
    rows = tuple({"image": str(photo.id), **labels.to_dict()} for photo, labels in worked)
    return Evaluation({"accuracy": right / len(worked), "photos": len(worked)}, failures, rows=rows)
