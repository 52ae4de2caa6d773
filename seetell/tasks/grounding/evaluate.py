"""Score a phrase grounder: retrieval by its embeddings, and localisation of Flickr30k Entities' phrases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_records import EntityDataset, PhotoPhrases, photo_phrases
from seetell.errors import DataError, PhotoError, UsageError
from seetell.metrics.localisation import (
    LocatedPhrases,
    centre_points,
    constant_boxes,
    fit_constant_box,
    localisation,
    whole_photos,
)
from seetell.tasks.evaluation import DataOptions, Evaluation, Progress, collect, images_of
from seetell.tasks.grounding.predict import PhraseGrounder
from seetell.tasks.retrieval.embeddings import PhotoEmbeddings
from seetell.tasks.retrieval.evaluate import rank

Located = tuple[PhotoPhrases, np.ndarray, np.ndarray]
"""The phrases of an image, a box for each in pixels, ``(N, 4)``, and a point, ``(N, 2)``."""

if TYPE_CHECKING:
    from seetell.tasks.grounding.hub import HubGrounder


def evaluate(
    predictor: PhraseGrounder | HubGrounder,
    data: DataOptions,
    *,
    split: str = "val",
    progress: Progress | None = None,
    boxes: Path | None = None,
    **options: Any,
) -> Evaluation:
    """Score retrieval and, given Flickr30k Entities, localisation.

    See :mod:`seetell.tasks.evaluation`. ``boxes`` is the folder of Flickr30k Entities, to locate its phrases in the
    images. There are no options: phrases of the data set are located as they are.

    Returns:
        The scores of :func:`seetell.tasks.retrieval.evaluate.evaluate`; with ``boxes`` also how often in per cent the
        box of a phrase overlaps the true one by an IoU of 0.5, and a point lies within it, and as a detail
        ``localisation``: the same by kind of phrase, beside the baselines of the whole image, the best constant box
        and the centre.

    Raises:
        DataError: a data set cannot be used, none of its images opens, or none has phrases with boxes.
        UsageError: options were given, or the model embeds no sentences.
    """
    if not isinstance(predictor, PhraseGrounder):
        raise UsageError(f"{predictor.name} embeds no sentences, by which phrase grounders are scored here")
    if options:
        raise UsageError(f"{predictor.name} is evaluated on given phrases, which takes no settings; leave them out")
    dataset = read(data.path, format=data.format, photos=data.photos)
    images = images_of(dataset, split)
    entities = None if boxes is None else read_entities(boxes, dataset)
    words = predictor.embedder.max_words
    phrases = {photo.path: photo_phrases(photo, max_words=words) for photo in entities.split(split)} if entities else {}
    if entities is not None and not any(asked.spans for asked in phrases.values()):
        raise DataError(f"{boxes}: no photo in the split {split!r} has phrases with boxes")
    located: list[Located] = []

    def embedded() -> Iterator[PhotoEmbeddings | PhotoError]:
        """Yield embeddings without their grids and tags, which are needed to locate phrases and large."""
        results = predictor.embedder.embed_each([image.path for image in images], with_grid=bool(phrases))
        for image, result in zip(images, results, strict=True):
            asked = phrases.get(image.path)
            if isinstance(result, PhotoError):
                yield result
                continue
            if asked is not None and asked.spans:
                located.append((asked, *_locate(predictor, result, asked)))
            yield replace(result, grid=None, tags=None)

    evaluation = rank(predictor.embedder, *collect("embedding images", images, embedded(), progress))
    evaluation = replace(evaluation, notes=dataset.remarks)
    if entities is None:
        return evaluation
    if not located:
        raise DataError(f"{boxes}: no photo in the split {split!r} that opens has phrases with boxes")
    details = _localisation(located, entities, words)
    overall = details["model"]["overall"]
    scores = {**evaluation.scores, "phrases_R@1": overall["recall"], "phrases_pointing": overall["pointing"]}
    return replace(evaluation, scores=scores, details={"localisation": details})


def _locate(predictor: PhraseGrounder, image: PhotoEmbeddings, phrases: PhotoPhrases) -> tuple[np.ndarray, np.ndarray]:
    sentences = predictor.embedder.embed_sentences(" ".join(words) for words in phrases.sentences)
    found = predictor.ground(image, sentences, phrases.spans)
    size = np.array(phrases.size, np.float64)
    return found.boxes * np.tile(size, 2), found.points * size


def _localisation(located: Sequence[Located], entities: EntityDataset, words: int) -> Mapping[str, Any]:
    """Score boxes and points, and baselines that need no model; the constant box is fitted to the training images."""
    phrases = LocatedPhrases.gather([phrases for phrases, _, _ in located])
    centre = centre_points(phrases)
    boxes, points = (np.concatenate([row[place] for row in located]) for place in (1, 2))
    scores: dict[str, Any] = {
        "model": localisation(phrases, boxes=boxes, points=points).to_dict(),
        "whole_photo": localisation(phrases, boxes=whole_photos(phrases), points=centre).to_dict(),
    }
    train = [photo_phrases(photo, max_words=words) for photo in entities.split("train")]
    if any(photo.spans for photo in train):
        box = fit_constant_box(LocatedPhrases.gather(train))
        constant = constant_boxes(phrases, box)
        middle = (constant[:, :2] + constant[:, 2:]) / 2
        scores["constant_box"] = localisation(phrases, boxes=constant, points=middle).to_dict() | {"shares": box}
    return scores
