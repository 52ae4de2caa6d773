"""Read photos with the boxes of objects in any known format."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from seetell.data import entities
from seetell.data.coco_instances import instance_files, read_coco_instances
from seetell.data.entity_objects import read_entity_nouns, read_entity_types
from seetell.data.reading import read
from seetell.data.records import CaptionDataset, ObjectDataset
from seetell.data.source import Source
from seetell.data.splits import FEWEST_TO_DIVIDE, assign_splits
from seetell.data.voc import read_voc
from seetell.data.yolo import read_yolo
from seetell.errors import DataError, unknown

BOXES_ALONE = ("yolo", "coco-instances", "voc")
"""Formats that have no captions."""

FORMATS = (*BOXES_ALONE, "entities", "entity-nouns")


def read_objects(
    path: str | Path,
    *,
    format: str | None = None,
    photos: str | Path | None = None,
    captions: str | Path | None = None,
    split_seed: int = 0,
    details: bool = False,
) -> ObjectDataset:
    """Read a data set of photos with the boxes of objects.

    Args:
        path: a folder with YOLO labels or its YAML file, COCO's ``instances_*.json`` or their folder, a folder of
            Pascal VOC's XML, or Flickr30k Entities.
        format: ``yolo``, ``coco-instances``, ``voc``, ``entities`` for the seven coarse types or ``entity-nouns`` for
            frequent nouns; detected from the content by default, Entities as ``entities``.
        photos: the folder of the photos; looked for around ``path`` by default.
        captions: for Flickr30k Entities, a data set of captions whose photos and splits to use, such as Flickr8k's.
        split_seed: decides which photos validate where the data set has none for it.
        details: whether to keep outlines and key points, which only COCO's files and YOLO's labels have.

    Returns:
        The photos; those without an object too. A tenth of the training photos validates where none is meant to.

    Raises:
        DataError: there is no such data set, or none of its photos.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise DataError(f"{path}: {unknown('format of boxes', format, FORMATS)}")
    place = None if photos is None else Path(photos)
    name = format or _detected(path)
    if captions is not None and name not in ("entities", "entity-nouns"):
        raise DataError(f"captions: expected only with Flickr30k Entities, but {path} has the format {name}")
    if name == "yolo":
        found = read_yolo(path, photos=place, details=details)
    elif name == "coco-instances":
        found = read_coco_instances(path, photos=place, details=details)
    elif name == "voc":
        found = read_voc(path, photos=place)
    else:
        source = Source(path, photos=None if captions is not None else place, split_seed=split_seed)
        described: CaptionDataset
        described = entities.read(source) if captions is None else read(captions, photos=place, split_seed=split_seed)
        reader = read_entity_types if name == "entities" else read_entity_nouns
        found = reader(source.folder, described)
    return _with_validation(found, split_seed)


def holds_boxes(path: Path) -> bool:
    """Tell whether a file or folder looks like one of the formats that have boxes of objects and no captions."""
    if (path.is_dir() and entities.matches(path)) or not path.exists():
        return False
    yaml = path.suffix in (".yaml", ".yml") if path.is_file() else any(path.glob("*.yaml")) or any(path.glob("*.yml"))
    return _detected(path) != "yolo" or yaml


def _detected(path: Path) -> str:
    if path.is_dir() and entities.matches(path):
        return "entities"
    if instance_files(path):
        return "coco-instances"
    return "voc" if any((path / "Annotations").glob("*.xml")) or any(path.glob("*.xml")) else "yolo"


def _with_validation(dataset: ObjectDataset, seed: int) -> ObjectDataset:
    """Let some photos validate where the data set has none for it; all of them, where there are fewer than ten."""
    if dataset.single_split or not dataset.split("train"):
        return dataset
    if validates := dataset.split("val"):
        seen = {photo.path for photo in dataset.split("train")} & {photo.path for photo in validates}
        told = f"{len(seen):,} of the photos to validate on are trained on, too: the scores say nothing of others"
        return replace(dataset, notes=(*dataset.notes, told)) if seen else dataset
    if len(dataset.photos) < FEWEST_TO_DIVIDE:
        return replace(dataset, single_split=True)
    train = [photo.id for photo in dataset.split("train")]
    splits = dict(zip(train, assign_splits(train, seed=seed, test_fraction=0.0), strict=True))
    photos = tuple(replace(photo, split=splits.get(photo.id, photo.split)) for photo in dataset.photos)
    note = "no photos to validate on: a tenth of the training photos does"
    return replace(dataset, photos=photos, notes=(*dataset.notes, note))
