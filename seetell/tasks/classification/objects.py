"""Photos with the boxes of objects, read as images with one label and one box each: those of the largest object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seetell.data.objects import read_objects
from seetell.data.records import PhotoRecord
from seetell.errors import DataError
from seetell.geometry.boxes import Box
from seetell.tasks.classification.data import LabelledDataset, label_of


def read_largest_objects(
    path: str | Path,
    *,
    labels: Sequence[str] = (),
    format: str | None = None,
    photos: str | Path | None = None,
    captions: str | Path | None = None,
    split_seed: int = 0,
) -> LabelledDataset:
    """Read a data set of boxes.

    Args:
        path: see :func:`seetell.data.objects.read_objects`.
        labels: the classes that count, photos without an object of which are left out. When absent, those that the
            largest object of some training photo has; photos whose largest object is of another are left out.
        format: see there.
        photos: see there.
        captions: see there.
        split_seed: see there.

    Raises:
        DataError: there is no such data set, a label is none of its classes, or fewer than two classes are left.
    """
    dataset = read_objects(path, format=format, photos=photos, captions=captions, split_seed=split_seed)
    unknown = sorted(set(labels) - set(dataset.classes))
    if unknown:
        raise DataError(f"{dataset.source}: has no boxes of the labels {', '.join(unknown)}")
    counted = set(labels or dataset.classes)
    records: list[PhotoRecord] = []
    boxes: dict[int | str, Box] = {}
    for photo in dataset.photos:
        objects = [pair for pair in zip(photo.boxes, photo.classes, strict=True) if pair[1] in counted]
        if objects:
            box, label = max(objects, key=lambda pair: _area(pair[0]))
            records.append(PhotoRecord(photo.id, photo.path, (label,), photo.split))
            boxes[photo.id] = box
    if not labels:
        kept = {label_of(record) for record in records if record.split == "train" or dataset.single_split}
        records = [record for record in records if label_of(record) in kept]
    found = tuple(sorted({label_of(record) for record in records}))
    if len(found) < 2:
        raise DataError(f"{dataset.source}: expected boxes of two or more classes to tell apart, found {len(found)}")
    left_out = len(dataset.photos) - len(records)
    notes = [f"{left_out} photos without an object of the classes are left out"] if left_out else []
    return LabelledDataset(
        dataset.name,
        dataset.source,
        tuple(records),
        dataset.problems,
        (*dataset.notes, *notes),
        dataset.single_split,
        f"{dataset.format}, the largest object of each photo",
        found,
        {record.id: boxes[record.id] for record in records},
    )


def _area(box: Box) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)
