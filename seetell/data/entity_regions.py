"""Flickr30k Entities as region captions: an entity is a region, described by every phrase that refers to it.

- An entity with several boxes, "two dogs" or "the crowd", is one region, the smallest box around them all: no single
  box shows what its phrases describe. Phrase localisation (``seetell.metrics.localisation``) does the same.
- An entity without a box is not a region, whether or not it is marked ``scene`` or ``nobndbox``: its location is
  unknown, and a scene is the background as often as the whole photo.
- Entities with the same box are one region with the phrases of all of them.
- Phrases are in the order of the sentences, with their repetitions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seetell.data.entities import TITLE, read_entities
from seetell.data.entity_records import EntityPhoto
from seetell.data.records import CaptionDataset, Problem
from seetell.data.region_records import RegionDataset, RegionPhoto, RegionRecord
from seetell.errors import DataError
from seetell.geometry.boxes import Box, enclosing


def entity_regions(folder: Path, dataset: CaptionDataset, *, require_photos: bool = True) -> RegionDataset:
    """Read the phrases and boxes of a data set's photos as region captions.

    Args:
        folder: the folder with ``Annotations`` and ``Sentences``.
        dataset: the photos, their files and splits.
        require_photos: skip photos whose file is missing; ``False`` uses the size in the annotations.

    Raises:
        DataError: the folder is not such a data set, or no photo has a region.
    """
    entities = read_entities(folder, dataset, require_photos=require_photos)
    own = dataset.source == folder
    problems = list(dict.fromkeys((*(dataset.problems if own else ()), *entities.problems)))
    photos: list[RegionPhoto] = []
    for photo in entities.photos:
        regions = regions_of(photo)
        record = photo.photo
        if regions:
            photos.append(RegionPhoto(record.id, record.path, photo.size, regions, record.split))
        else:
            message = f"{record.path.name}: none of its phrases has a box; skipped"
            problems.append(Problem("photo-without-caption", str(record.path), message))
    if not photos:
        raise DataError(f"{folder}: read as {TITLE}, but no photo of {dataset.source} has a phrase with a box in it")
    return RegionDataset(
        name="flickr30k-entities",
        source=folder,
        photos=tuple(photos),
        problems=tuple(problems),
        notes=dataset.notes if own else (f"photos and splits of {dataset.source}", *dataset.notes),
        single_split=dataset.single_split,
        format=f"{TITLE}, as regions",
    )


def regions_of(photo: EntityPhoto) -> tuple[RegionRecord, ...]:
    """Return a photo's regions, in the order in which its sentences first mention them."""
    phrases: dict[Box, list[str]] = {}
    for sentence, phrase, boxes in photo.located():
        left, top, right, bottom = enclosing(np.array(boxes)).tolist()
        phrases.setdefault((left, top, right, bottom), []).append(" ".join(sentence.words(phrase)))
    return tuple(RegionRecord(box, tuple(texts)) for box, texts in phrases.items())
