"""Read COCO instances, ``instances_train2017.json`` and the like: photos with the boxes of objects.

A document is ``{"images": [{"id", "file_name", "width", "height"}], "categories": [{"id", "name"}], "annotations":
[{"image_id", "category_id", "bbox": [x, y, width, height], "iscrowd"}]}``, in pixels of the upright photo. Boxes of
crowds are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seetell.data.coco import split_in_name
from seetell.data.json_fields import described, dicts_in, id_of, text_of
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import ObjectDataset, ObjectPhoto, Problem
from seetell.data.source import read_json
from seetell.errors import DataError
from seetell.geometry.boxes import Box

TITLE = "COCO instances JSON"


def instance_files(path: Path) -> list[Path]:
    """List the file itself, or the ``instances_*.json`` of a folder or of the folder ``annotations`` in it."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    for parent in (path, path / "annotations"):
        found = sorted(file for file in parent.glob("instances_*.json") if file.is_file())
        if found:
            return found
    return []


def read_coco_instances(path: Path, *, photos: Path | None = None) -> ObjectDataset:
    """Read one file, or every ``instances_*.json`` of a folder; a file whose name states no split is to train on.

    Args:
        path: the file or folder.
        photos: folder of the photos; looked for around the file by default.

    Raises:
        DataError: a file is none of this kind, or no photo is left.
    """
    problems: list[Problem] = []
    records: list[ObjectPhoto] = []
    classes: dict[str, None] = {}
    for file in instance_files(path):
        folders = PhotoFolders(near_folders(file.parent, photos))
        document = read_json(file)
        names = {each["id"]: each["name"] for each in dicts_in(document, "categories") if {"id", "name"} <= each.keys()}
        if not names or not dicts_in(document, "images"):
            raise DataError(
                f"{file}: expected {TITLE}, with 'images' and 'categories', but it is {described(document)}"
            )
        classes |= dict.fromkeys(names.values())
        records += _photos(document, names, file, folders, problems)
    if not records:
        raise DataError(f"{path}: read as {TITLE}, but none of its photos is there; name their folder: data.photos")
    return ObjectDataset(path.name, path, tuple(records), tuple(problems), format=TITLE, classes=tuple(classes))


def _photos(
    document: Any, names: Mapping[Any, str], file: Path, folders: PhotoFolders, problems: list[Problem]
) -> list[ObjectPhoto]:
    split = split_in_name(file.name) or "train"
    annotations: dict[int | str, list[tuple[int, dict[str, Any]]]] = {}
    for index, annotation in enumerate(dicts_in(document, "annotations")):
        owner = id_of(annotation, "image_id")
        if owner is not None and not annotation.get("iscrowd"):
            annotations.setdefault(owner, []).append((index, annotation))
    found = []
    for index, image in enumerate(dicts_in(document, "images")):
        number, name = id_of(image, "id"), text_of(image, "file_name")
        sides = np.array([image.get("width", 0), image.get("height", 0)], np.float64)
        if number is None or name is None or not (sides > 0).all():
            message = "expected an object with 'id', 'file_name', 'width' and 'height'; skipped"
            problems.append(Problem("malformed", f"{file.name}: images[{index}]", message))
            continue
        photo = folders.find(name)
        if photo is None:
            problems.append(Problem("missing-photo", f"{file.name}: images[{index}]", f"{name}: not found; skipped"))
            continue
        boxes, labels = [], []
        for place, annotation in annotations.get(number, ()):
            box = _box(annotation.get("bbox"), sides)
            label = names.get(annotation.get("category_id"))
            if box is None or label is None:
                message = "expected a known 'category_id', and a 'bbox' with an area within the photo; skipped"
                problems.append(Problem("malformed", f"{file.name}: annotations[{place}]", message))
            else:
                boxes.append(box)
                labels.append(label)
        found.append(ObjectPhoto(number, photo, tuple(boxes), tuple(labels), split))
    return found


def _box(bbox: Any, sides: np.ndarray) -> Box | None:
    """Return the box in shares of the photo; nothing if it is none."""
    try:
        x, y, width, height = (float(value) for value in bbox)
    except (TypeError, ValueError):
        return None
    edges = np.clip(np.array([x, y, x + width, y + height]) / np.tile(sides, 2), 0, 1)
    left, upper, right, lower = edges.tolist()
    return (left, upper, right, lower) if left < right and upper < lower else None
