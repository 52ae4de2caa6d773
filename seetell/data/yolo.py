"""Boxes of object classes in YOLO's format: a YAML file and, for each image, a text file of boxes.

The YAML file names the classes and where each split's images are; ``images/val/1.jpg`` has its boxes in
``labels/val/1.txt``, a line each: class number, centre x and y, width and height, the last four normalised to [0, 1].
In labels for segmentation the number is followed by x and y of the corners of a polygon, and the box is around it. An
image without such a file shows none of the classes; with ``skip_if_label_file_missing`` it is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from seetell.data.records import SPLITS, ObjectDataset, ObjectDetails, ObjectPhoto, Problem
from seetell.data.source import leads_outside, numbered_lines, read_text
from seetell.errors import DataError, unknown
from seetell.geometry.boxes import Box
from seetell.geometry.polygons import polygon_area
from seetell.photos.formats import is_photo_name

FORMAT = "yolo"

_FEWEST_CELLS = 6
"""Of a polygon: three corners."""


def read_yolo(
    folder: str | Path, *, format: str | None = None, photos: str | Path | None = None, details: bool = False
) -> ObjectDataset:
    """Read a data set in YOLO's format.

    Args:
        folder: holds the YAML file and ``labels``; or the YAML file.
        format: ``yolo``, or nothing.
        photos: the folder ``images``, where it is neither in ``folder`` nor beside it.
        details: whether to keep polygons.

    Raises:
        DataError: there is no such data set, or none of its images.
    """
    path = Path(folder)
    if format not in (None, FORMAT):
        raise DataError(f"{path}: {unknown('format', format, [FORMAT])}")
    content = _description(path)
    source, names = path if path.is_dir() else path.parent, _names(path, content.get("names"))
    problems: list[Problem] = []
    records = []
    for split in SPLITS:
        for place in _places(path, split, content.get(split)):
            images = _images(source, place, None if photos is None else Path(photos))
            labels = source / _labels(place)
            for image in images:
                file = labels / f"{image.stem}.txt"
                if content.get("skip_if_label_file_missing") and not file.is_file():
                    continue
                objects = [*_objects(file, names, problems)]
                boxes, classes, polygons = zip(*objects, strict=True) if objects else ((), (), ())
                kept = tuple(map(_details, polygons)) if details else ()
                records.append(ObjectPhoto(f"{place.name}/{image.name}", image, boxes, classes, split, kept))
    if not records:
        raise DataError(f"{path}: the folders that it names hold no images; give the folder of images as --photos")
    classes = tuple(names.values())
    return ObjectDataset(source.name, source, tuple(records), tuple(problems), format="YOLO boxes", classes=classes)


def _description(path: Path) -> Mapping[str, Any]:
    """Return the content of the YAML file.

    Raises:
        DataError: there is none, or several, or it is damaged.
    """
    import yaml

    if not path.exists():
        raise DataError(f"{path}: no such file or folder; expected photos with the boxes of objects")
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
    if len(files) != 1 or not files[0].is_file():
        raise DataError(
            f"{path}: expected boxes in YOLO's format, a folder with one .yaml file, found {len(files)}; or COCO's "
            "instances_*.json, a folder of Pascal VOC's XML, or Flickr30k Entities"
        )
    try:
        content = yaml.safe_load(read_text(files[0])[0])
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{files[0]}: cannot be read as YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise DataError(f"{files[0]}: expected the fields names, train and val, got {type(content).__name__}")
    return content


def _names(path: Path, names: Any) -> dict[int, str]:
    """Return the names of the classes by number."""
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
        raise DataError(f"{path}: names: expected the names of the classes, numbered from 0")
    if not all(isinstance(number, int) and number >= 0 for number in names):
        raise DataError(f"{path}: names: expected numbers from 0, got {', '.join(map(str, names))}"[:200])
    return dict(sorted(names.items()))


def _places(path: Path, split: str, places: Any) -> list[PurePosixPath]:
    """Return the folders of a split's images, relative to the data set, such as ``images/val``."""
    places = [] if places is None else places if isinstance(places, list) else [places]
    if not all(isinstance(place, str) for place in places):
        raise DataError(f"{path}: {split}: expected a folder such as images/{split}, got {places!r}")
    found = [PurePosixPath(place) for place in places]
    for place in found:
        if leads_outside(place):
            raise DataError(f"{path}: {split}: expected a folder inside the data set, got {str(place)!r}")
    return found


def _images(source: Path, place: PurePosixPath, photos: Path | None) -> list[Path]:
    """Return the images of a folder, which lies in the data set or beside it."""
    inside = [source / place, source.parent / place]
    if photos is not None:
        within = place.relative_to(place.parts[0]) if place.parts else place
        inside = [photos / within, photos / place, photos]
    for folder in inside:
        if folder.is_dir() and (found := [file for file in sorted(folder.iterdir()) if is_photo_name(file.name)]):
            return found
    return []


def _labels(place: PurePosixPath) -> PurePosixPath:
    """Return the folder of the boxes for a folder of images: the last ``images`` in its path is ``labels``."""
    parts = [*place.parts]
    last = max((number for number, part in enumerate(parts) if part == "images"), default=None)
    if last is not None:
        parts[last] = "labels"
    return PurePosixPath(*parts)


def _objects(
    file: Path, names: Mapping[int, str], problems: list[Problem]
) -> Iterator[tuple[Box, str, np.ndarray | None]]:
    """Yield box, name and polygon ``(2 N,)`` of the objects of an image; lines that are wrong become problems."""
    if not file.is_file():
        return
    text, found = read_text(file)
    problems += found
    for number, line in numbered_lines(text):
        if not line.strip():
            continue
        try:
            label, *cells = map(float, line.split())
            name = names[int(label)] if label == int(label) else None
        except (ValueError, OverflowError, KeyError):
            name = None
        polygon = len(cells) >= _FEWEST_CELLS and len(cells) % 2 == 0
        if name is None or not (polygon or len(cells) == 4) or not np.isfinite(cells).all():
            message = f"expected one of {len(names)} classes and x, y, width and height, got {line[:80]!r}"
            problems.append(Problem("malformed", f"{file}:{number}", f"{message}; skipped"))
            continue
        corners = np.clip(np.array(cells), 0, 1) if polygon else None
        if corners is not None:
            edges = [*corners.reshape(-1, 2).min(axis=0), *corners.reshape(-1, 2).max(axis=0)]
        else:
            x, y, width, height = cells
            edges = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
        left, upper, right, lower = (float(edge) for edge in np.clip(edges, 0, 1))
        if left < right and upper < lower:
            yield (left, upper, right, lower), name, corners
        else:
            problems.append(Problem("box-without-area", f"{file}:{number}", "has no area within the image; skipped"))


def _details(polygon: np.ndarray | None) -> ObjectDetails:
    return ObjectDetails() if polygon is None else ObjectDetails((polygon,), area=polygon_area(polygon))
