"""Read COCO instances and key points, ``instances_train2017.json``, ``person_keypoints_val2017.json`` and the like.

A document is ``{"images": [{"id", "file_name", "width", "height"}], "categories": [{"id", "name", "keypoints",
"skeleton"}], "annotations": [{"image_id", "category_id", "bbox": [x, y, width, height], "iscrowd", "segmentation",
"area", "keypoints": [x, y, v, …]}]}``, in pixels of the upright photo, edges between them; ``skeleton`` counts points
from 1. Crowds are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from seetell.data.coco import split_in_name
from seetell.data.json_fields import described, dicts_in, id_of, text_of
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import ObjectDataset, ObjectDetails, ObjectPhoto, Problem
from seetell.data.source import read_json
from seetell.errors import DataError
from seetell.geometry.boxes import Box
from seetell.geometry.key_points import KeyPoints
from seetell.geometry.masks import decode, from_run_lengths
from seetell.geometry.polygons import outlines, polygon_area

TITLE = "COCO instances JSON"


def instance_files(path: Path) -> list[Path]:
    """List the file itself, or the files of a folder or of the folder ``annotations`` in it.

    They are its ``instances_*.json``, or without any its ``person_keypoints_*.json``.
    """
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" else []
    for pattern in ("instances_*.json", "person_keypoints_*.json"):
        for parent in (path, path / "annotations"):
            found = sorted(file for file in parent.glob(pattern) if file.is_file())
            if found:
                return found
    return []


def read_coco_instances(path: Path, *, photos: Path | None = None, details: bool = False) -> ObjectDataset:
    """Read one file, or all of a folder; a file whose name states no split is to train on.

    Args:
        path: the file or folder; see :func:`instance_files`.
        photos: folder of the photos; looked for around the file by default.
        details: whether to keep outlines, areas and key points.

    Raises:
        DataError: a file is none of this kind, or no photo is left.
    """
    problems: list[Problem] = []
    records: list[ObjectPhoto] = []
    classes: dict[str, None] = {}
    key_points = KeyPoints()
    for file in instance_files(path):
        folders = PhotoFolders(near_folders(file.parent, photos))
        document = read_json(file)
        names = {each["id"]: each["name"] for each in dicts_in(document, "categories") if {"id", "name"} <= each.keys()}
        if not names or not dicts_in(document, "images"):
            raise DataError(
                f"{file}: expected {TITLE}, with 'images' and 'categories', but it is {described(document)}"
            )
        classes |= dict.fromkeys(names.values())
        key_points = _key_points(document, file) or key_points
        records += _photos(document, names, file, folders, problems, len(key_points.names) if details else None)
    if not records:
        raise DataError(f"{path}: read as {TITLE}, but none of its photos is there; name their folder: data.photos")
    return ObjectDataset(
        path.name, path, tuple(records), tuple(problems), format=TITLE, classes=tuple(classes), key_points=key_points
    )


def _key_points(document: Any, file: Path) -> KeyPoints | None:
    """Return those of the first category that has some.

    Raises:
        DataError: they are none, or the skeleton joins others.
    """
    for each in dicts_in(document, "categories"):
        if each.get("keypoints"):
            try:
                skeleton = [[int(one) - 1, int(other) - 1] for one, other in each.get("skeleton") or ()]
                return KeyPoints.from_dict({"names": each["keypoints"], "skeleton": skeleton})
            except (TypeError, ValueError) as error:
                raise DataError(f"{file}: key points of {each.get('name')!r}: {error}") from error
    return None


def _photos(
    document: Any,
    names: Mapping[Any, str],
    file: Path,
    folders: PhotoFolders,
    problems: list[Problem],
    key_points: int | None,
) -> list[ObjectPhoto]:
    """Return the photos of a file.

    Args:
        document: its content.
        names: of the classes, by their ids.
        file: its path.
        folders: where photos are.
        problems: added to.
        key_points: how many an object has; ``None`` where no details are wanted.
    """
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
        boxes, labels, details = [], [], []
        for place, annotation in annotations.get(number, ()):
            box = _box(annotation.get("bbox"), sides)
            label = names.get(annotation.get("category_id"))
            detail = ObjectDetails() if key_points is None else _details(annotation, sides, key_points)
            if box is None or label is None or detail is None:
                message = "expected a known 'category_id', a 'bbox' with an area within the photo, and polygons and "
                message += f"{key_points or 0} 'keypoints' if any; skipped"
                problems.append(Problem("malformed", f"{file.name}: annotations[{place}]", message))
            else:
                boxes.append(box)
                labels.append(label)
                details.append(detail)
        kept = () if key_points is None else tuple(details)
        found.append(ObjectPhoto(number, photo, tuple(boxes), tuple(labels), split, kept))
    return found


def _box(bbox: Any, sides: np.ndarray) -> Box | None:
    """Return the box normalised to [0, 1]; nothing if it is none."""
    try:
        x, y, width, height = (float(value) for value in bbox)
    except (TypeError, ValueError):
        return None
    edges = np.clip(np.array([x, y, x + width, y + height]) / np.tile(sides, 2), 0, 1)
    left, upper, right, lower = edges.tolist()
    return (left, upper, right, lower) if left < right and upper < lower else None


def _details(annotation: Mapping[str, Any], sides: np.ndarray, key_points: int) -> ObjectDetails | None:
    """Return outline, key points and area of an object, normalised to [0, 1]; nothing if they are damaged."""
    try:
        outline = _outline(annotation.get("segmentation"), sides)
        numbers = annotation.get("keypoints") or [0.0] * (3 * key_points)
        points = np.array(numbers, np.float64).reshape(key_points, 3) / [*sides, 1]
        area = annotation.get("area")
        share = sum(map(polygon_area, outline)) if area is None else float(area) / float(sides.prod())
    except (TypeError, ValueError, DataError):
        return None
    return ObjectDetails(outline, points, share) if np.isfinite(points).all() else None


def _outline(segmentation: Any, sides: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return polygons normalised to [0, 1], of polygons or of run lengths.

    Raises:
        TypeError: it is neither.
        ValueError: a number is none, or a polygon has too few.
        DataError: run lengths are damaged.
    """
    if isinstance(segmentation, dict):
        counts, size = segmentation.get("counts"), (int(sides[0]), int(sides[1]))
        mask = decode(counts, size) if isinstance(counts, str) else from_run_lengths(counts or [], size)
        segmentation = outlines(mask)
    polygons = [np.array(polygon, np.float64) for polygon in segmentation or ()]
    if any(polygon.ndim != 1 or len(polygon) < 6 or not np.isfinite(polygon).all() for polygon in polygons):
        raise ValueError("expected x and y of at least three corners")
    return tuple((polygon.reshape(-1, 2) / sides).ravel() for polygon in polygons)
