"""Score a captioner on a data set with coco-caption's metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seetell.data import read
from seetell.errors import DataError
from seetell.metrics import score_captions
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of

if TYPE_CHECKING:
    from seetell.tasks.captioning.captioner import Captioner


def evaluate(
    predictor: Captioner[Any],
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    **options: Any,
) -> Evaluation:
    """Caption the images of a data set and score the captions against its references.

    See :mod:`seetell.tasks.evaluation`.

    Returns:
        BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D; ``rows`` are COCO results.

    Raises:
        DataError: the data set cannot be used, or none of its images opens.
        UsageError: an option has no such value.
    """
    options.setdefault("any_picture", True)  # references are there for all of them
    predictor.check(**options)
    dataset = read(data.path, format=data.format, photos=data.photos, keep_wordless=True)
    images = images_of(dataset, split)
    if any(image.box is not None for image in images):
        raise DataError(
            f"{dataset.source}: has phrases of regions, but a captioner describes whole images; give captions of those"
        )
    results = predictor.predict_many([image.path for image in images], **options)
    captioned, failures = collect("captioning", images, results, progress)
    candidates = {image.id: caption.text for image, caption in captioned}
    scores = score_captions({image.id: image.captions for image, _ in captioned}, candidates)
    return Evaluation(
        {**scores.corpus, "photos": len(captioned)},
        failures,
        rows=tuple({"image_id": name, "caption": text} for name, text in candidates.items()),
        rows_format="json",
        notes=dataset.remarks,
    )
