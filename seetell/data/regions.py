"""Read region captions, photos with boxes and phrases for the boxes, in any known format.

In Flickr30k Entities an entity is a region, described by every phrase that refers to it:

- An entity with several boxes, "two dogs" or "the crowd", is one region, the smallest box around them all: no single
  box shows what its phrases describe. Phrase localisation (``seetell.metrics.localisation``) does the same.
- An entity without a box is not a region, whether or not it is marked ``scene`` or ``nobndbox``: its location is
  unknown, and a scene is the background as often as the whole photo.
- Entities with the same box are one region with the phrases of all of them.
- Phrases are in the order of the sentences, with their repetitions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from seetell.data import entities, visual_genome
from seetell.data.entities import TITLE, read_entities
from seetell.data.entity_records import EntityPhoto
from seetell.data.reading import read
from seetell.data.records import CaptionDataset, Problem, RegionDataset, RegionPhoto, RegionRecord
from seetell.data.source import Source
from seetell.errors import DataError, unknown
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


FORMATS = ("entities", "visual-genome")


def read_regions(
    path: str | Path,
    *,
    format: str | None = None,
    photos: str | Path | None = None,
    captions: str | Path | CaptionDataset | None = None,
    require_photos: bool = True,
    **options: Any,
) -> RegionDataset:
    """Read a data set of photos with described regions.

    Args:
        path: its folder, or Visual Genome's ``region_descriptions.json``.
        format: ``entities`` or ``visual-genome``; detected from the content by default.
        photos: the folder of the photos; searched for around ``path`` by default.
        captions: for Flickr30k Entities, a data set of captions whose photos and splits to use, such as Flickr8k's
            folder; ``path`` itself by default.
        require_photos: skip photos whose file is missing; ``False`` reads only boxes and phrases, in pixels of
            the stated size.
        options: ``split``, ``split_seed``, ``val_fraction`` and ``test_fraction``; see :func:`seetell.data.read`.

    Returns:
        The usable photos and regions, and every problem found.

    Raises:
        DataError: the path, an option or the format is wrong, or no usable photo is left.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise DataError(unknown("format of region captions", format, FORMATS))
    try:
        name = format or _detected(path)
        if name == "visual-genome" and captions is not None:
            raise DataError(f"captions: expected only with Flickr30k Entities, but {path} is Visual Genome's")
        source = Source(
            path=path,
            photos=None if photos is None or captions is not None else Path(photos),
            require_photos=require_photos,
            **options,
        )
        if name == "visual-genome":
            return visual_genome.read_visual_genome(source)
        if isinstance(captions, (str, Path)):
            captions = read(captions, photos=photos, require_photos=require_photos, **options)
        return entity_regions(source.folder, captions or entities.read(source), require_photos=require_photos)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); check its permissions") from error


def _detected(path: Path) -> str:
    if path.is_dir() and entities.matches(path):
        return "entities"
    if visual_genome.matches(path):
        return "visual-genome"
    raise DataError(
        f"{path}: expected Flickr30k Entities (a folder with Annotations and Sentences) or Visual Genome "
        "(region_descriptions.json), but it is neither; give the intended folder or file"
    )
