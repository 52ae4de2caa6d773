"""How well an aligner finds photos, sentences and the places of phrases, for ``seetell evaluate``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import typer

from seetell.data.entities import read_entities
from seetell.data.entity_phrases import PhotoPhrases, photo_phrases
from seetell.data.entity_records import EntityDataset
from seetell.data.records import CaptionDataset
from seetell.errors import DataError, PhotoError
from seetell.metrics.localisation import (
    LocatedPhrases,
    centre_points,
    constant_boxes,
    fit_constant_box,
    localisation,
    whole_photos,
)
from seetell.metrics.retrieval import Ranking, retrieval
from seetell.tasks.retrieval.embeddings import PhotoEmbeddings
from seetell.tasks.retrieval.predict import Aligner


def evaluate_aligner(model: Aligner, dataset: CaptionDataset, split: str, *, boxes: Path | None) -> None:
    """Print scores as JSON, and name the photos that do not open.

    Args:
        model: the aligner.
        dataset: photos and sentences.
        split: which of them.
        boxes: the folder of Flickr30k Entities, to locate its phrases too.

    Raises:
        DataError: no photo opens, or none has boxes.
        typer.Exit: with status 1 where some photos do not open.
    """
    records = dataset.split(split)
    entities = None if boxes is None else read_entities(boxes, dataset)
    words = model.bundle.max_words
    asked = (
        {photo.photo.path: photo_phrases(photo, max_words=words) for photo in entities.split(split)} if entities else {}
    )
    kept, embedded, located, failures = [], [], [], []
    with typer.progressbar(length=len(records), label="looking at photos", file=sys.stderr) as bar:
        photos = model.embed_each([photo.path for photo in records], with_grid=bool(asked))
        for photo, seen in zip(records, photos, strict=True):
            if isinstance(seen, PhotoError):
                failures.append(str(seen))
            else:
                kept.append(photo)
                embedded.append(PhotoEmbeddings(seen.regions, seen.whole))
                if photo.path in asked and asked[photo.path].spans:
                    located.append((asked[photo.path], *_locate(model, seen, asked[photo.path])))
            bar.update(1)
    for failure in failures:
        typer.echo(f"left out {failure}", err=True)
    if not kept:
        raise DataError(f"{dataset.source}: none of the {len(records)} photos in the split {split!r} opens")
    sentences = model.embed_sentences(caption for photo in kept for caption in photo.captions)
    owners = np.repeat(np.arange(len(kept)), [len(photo.captions) for photo in kept])
    images = PhotoEmbeddings(
        np.concatenate([one.regions for one in embedded]), np.concatenate([one.whole for one in embedded])
    )
    found = retrieval(model.score(images, sentences), owners)
    scores: dict[str, Any] = {**_ranking("annotation", found.annotation), **_ranking("search", found.search)}
    scores |= {"sum": found.sum, "photos": len(kept), "sentences": len(sentences)}
    if entities is not None:
        if not located:
            raise DataError(f"{boxes}: no photo in the split {split!r} has phrases with boxes")
        scores["localisation"] = _localisation(located, entities, words)
    typer.echo(json.dumps(scores))
    if failures:
        typer.echo(f"{len(failures)} of {len(records)} photos do not open and were left out", err=True)
        raise typer.Exit(1)


def _locate(model: Aligner, image: PhotoEmbeddings, phrases: PhotoPhrases) -> tuple[np.ndarray, np.ndarray]:
    """Return a box and a point in pixels for each phrase of a photo."""
    sentences = model.embed_sentences(" ".join(words) for words in phrases.sentences)
    found = model.ground(image, sentences, phrases.spans)
    size = np.array(phrases.size, np.float64)
    return found.boxes * np.tile(size, 2), found.points * size


def _ranking(way: str, ranking: Ranking) -> dict[str, float]:
    return {
        f"{way}_R@1": ranking.r1,
        f"{way}_R@5": ranking.r5,
        f"{way}_R@10": ranking.r10,
        f"{way}_median": ranking.median_rank,
    }


def _localisation(
    located: list[tuple[PhotoPhrases, np.ndarray, np.ndarray]], entities: EntityDataset, words: int
) -> Mapping[str, Any]:
    """Score places, and what can be said without looking: the box that is right most often on the training photos."""
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
