"""Score a model of images and sentences by retrieval both ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.errors import UsageError
from seetell.metrics.retrieval import retrieval
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of
from seetell.tasks.retrieval.embeddings import PhotoEmbeddings

if TYPE_CHECKING:
    from seetell.tasks.retrieval.embedder import Embedder


def evaluate(
    predictor: Embedder[Any], data: DataOptions, *, split: str = "val", progress: Progress | None = None, **options: Any
) -> Evaluation:
    """Find the sentences of a data set by its images (annotation), and the images by their sentences (search).

    See :mod:`seetell.tasks.evaluation`. There are no options: embeddings have no settings.

    Returns:
        R@1, R@5, R@10 and the median rank of both, and the sum of the six; ``rows`` hold each image's best sentence.

    Raises:
        DataError: the data set cannot be used, or none of its images opens.
        UsageError: options were given.
    """
    if options:
        raise UsageError(f"{predictor.name} embeds images and sentences, which has no settings; leave them out")
    dataset = read(data.path, format=data.format, photos=data.photos)
    images = images_of(dataset, split)
    results = predictor.embed_each([image.path for image in images])
    embedded, failures = collect("embedding images", images, results, progress)
    return replace(rank(predictor, embedded, failures), notes=dataset.remarks)


def rank(
    predictor: Embedder[Any], embedded: Sequence[tuple[PhotoRecord, PhotoEmbeddings]], failures: tuple[str, ...]
) -> Evaluation:
    """Rank all captions for each image and all images for each caption.

    Args:
        predictor: embeds the captions.
        embedded: images, at least one, and their embeddings.
        failures: of images that could not be embedded.
    """
    captions = [caption for image, _ in embedded for caption in image.captions]
    sentences = predictor.embed_sentences(captions)
    owners = np.repeat(np.arange(len(embedded)), [len(image.captions) for image, _ in embedded])
    images = PhotoEmbeddings.joined([one for _, one in embedded])
    scores = predictor.score(images, sentences)
    found, best = retrieval(scores, owners), scores.argmax(axis=1)
    return Evaluation(
        {**found.named(), "photos": len(embedded), "sentences": len(sentences)},
        failures,
        rows=tuple(
            {"image": str(image.path), "caption": captions[column], "score": round(float(row[column]), 6)}
            for (image, _), row, column in zip(embedded, scores, best, strict=True)
        ),
    )
