"""Score a dense captioner on a data set with DenseCap's mean average precision."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from seetell.data.regions import read_regions
from seetell.errors import UsageError
from seetell.metrics.dense import COUNTS, dense_average_precision
from seetell.metrics.meteor import Meteor
from seetell.results import row
from seetell.tasks.dense_captioning.predict import DenseCaptioner
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of

if TYPE_CHECKING:
    from seetell.tasks.dense_captioning.hub import HubDenseCaptioner


def evaluate(
    predictor: DenseCaptioner | HubDenseCaptioner,
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    captions: Path | None = None,
    **options: Any,
) -> Evaluation:
    """Find and describe the regions of a data set's images, and score them against the annotated ones.

    See :mod:`seetell.tasks.evaluation`. With Flickr30k Entities, ``captions`` is the data set whose images and splits
    count. There are no options: a dense captioner is scored with all regions that it finds, whatever their scores.

    Returns:
        mAP, that of the boxes alone, and the recall of the first 50, 100 and 300 proposals at an IoU of 0.5; ``rows``
        are what ``seetell regions --format jsonl`` writes.

    Raises:
        DataError: the data set cannot be used, or none of its images opens.
        UsageError: options were given, the model has no region proposals, or METEOR is not installed.
    """
    if not isinstance(predictor, DenseCaptioner):
        raise UsageError(f"{predictor.name} has no region proposals, by which dense captioners are scored here")
    if options:
        raise UsageError(f"{predictor.name} is evaluated with the settings it was exported with; leave out others")
    meteor = Meteor()  # whose files may be missing, which is better said before the work than after it
    dataset = read_regions(data.path, format=data.format, photos=data.photos, captions=captions)
    images = images_of(dataset, split)
    top = predictor.localiser.rules.max_detections
    results = predictor.predict_many([image.path for image in images], top=top, threshold=0.0)
    found, failures = collect("describing regions", images, results, progress)
    opened = [image for image, _ in found]
    proposed, _ = collect(
        "proposing regions", opened, predictor.propose_many([i.path for i in opened], top=max(COUNTS)), progress
    )
    truth = {image.id: image.regions for image in opened}
    described = dense_average_precision(
        truth, {image.id: regions.regions for image, regions in found}, meteor=meteor
    ).to_dict()
    recall = dense_average_precision(
        truth, {image.id: regions.regions for image, regions in proposed}, phrases=False
    ).recall
    return Evaluation(
        {
            "dense_mAP": described["mAP"],
            "detection_mAP": described["detection_mAP"],
            **{f"recall@{count}": recall[count].at_half for count in COUNTS},
            "photos": described["photos"],
        },
        failures,
        details={name: described[name] for name in ("regions", "detection_AP", "AP")},
        rows=tuple(row(str(image.path), regions) for image, regions in found),
        notes=dataset.remarks,
    )
