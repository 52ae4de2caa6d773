from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seetell.data import read
from seetell.data.coco import split_in_name
from seetell.errors import DataError

Paint = Callable[[Path, list[str]], Path]


def document(*numbers: int) -> dict[str, Any]:
    return {
        "images": [{"id": number, "file_name": f"{number:04}.jpg"} for number in numbers],
        "annotations": [
            {"id": 10 * number + index, "image_id": number, "caption": f"Dog {number} runs {index}."}
            for index in range(2)
            for number in numbers
        ],
    }


def write(path: Path, value: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def test_the_file_name_states_the_split(tmp_path: Path, paint: Paint):
    paint(tmp_path / "val2014", ["0007.jpg", "0009.jpg"])
    dataset = read(write(tmp_path / "annotations" / "captions_val2014.json", document(9, 7)))
    assert (dataset.name, dataset.problems) == ("captions_val2014", ())
    assert [(photo.id, photo.split, photo.path.name) for photo in dataset.photos] == [
        (9, "val", "0009.jpg"),
        (7, "val", "0007.jpg"),
    ]
    assert dataset.photos[0].captions == ("Dog 9 runs 0.", "Dog 9 runs 1.")


def test_the_caller_may_state_another(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["0007.jpg"])
    path = write(tmp_path / "captions_val2014.json", document(7))
    assert [photo.split for photo in read(path, split="test").photos] == ["test"]


def test_a_folder_joins_its_files(tmp_path: Path, paint: Paint):
    paint(tmp_path / "train2017", ["0001.jpg", "0002.jpg"])
    paint(tmp_path / "val2017", ["0003.jpg"])
    write(tmp_path / "annotations" / "captions_train2017.json", document(1, 2))
    write(tmp_path / "annotations" / "captions_val2017.json", document(3))
    write(tmp_path / "annotations" / "instances_val2017.json", {"images": [], "annotations": [{"bbox": []}]})
    dataset = read(tmp_path)
    assert dataset.name == tmp_path.name
    assert [(photo.id, photo.split) for photo in dataset.photos] == [(1, "train"), (2, "train"), (3, "val")]


def test_a_name_without_a_split_is_divided(tmp_path: Path, paint: Paint):
    paint(tmp_path, [f"{number:04}.jpg" for number in range(40)])
    dataset = read(write(tmp_path / "mine.json", document(*range(40))))
    assert {photo.split for photo in dataset.photos} == {"train", "val", "test"}


def test_references_need_neither_photos_nor_file_names(tmp_path: Path):
    value = document(1, 2)
    value["images"] = [{"id": 1}, {"id": 2}]
    path = write(tmp_path / "references.json", value)
    assert [photo.id for photo in read(path, require_photos=False).photos] == [1, 2]
    with pytest.raises(DataError, match=r"images\[0\]: expected an object with 'id' and 'file_name'"):
        read(path)


def test_broken_items_affect_no_other(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["0001.jpg", "0002.jpg", "0003.jpg"])
    value = document(1, 2)
    value["images"] += [{"id": 3, "file_name": "0003.jpg"}, {"id": True, "file_name": "x.jpg"}, "text", {"id": 4}]
    value["annotations"] += [
        {"id": 10, "image_id": 1, "caption": "The annotation id again."},
        {"id": 90, "image_id": 77, "caption": "No such image."},
        {"id": 91, "image_id": 1},
        None,
    ]
    dataset = read(write(tmp_path / "captions_train.json", value))
    assert [(photo.id, len(photo.captions)) for photo in dataset.photos] == [(1, 3), (2, 2)]
    assert [(problem.kind, problem.where.partition(": ")[2]) for problem in dataset.problems] == [
        ("duplicate-id", "annotations[4]"),
        ("malformed", "annotations[6]"),
        ("malformed", "annotations[7]"),
        ("malformed", "images[3]"),
        ("malformed", "images[4]"),
        ("malformed", "images[5]"),
        ("caption-without-photo", ""),
        ("photo-without-caption", "images[2]"),
    ]


def test_other_coco_files_are_refused(tmp_path: Path):
    path = write(tmp_path / "instances.json", {"images": [{"id": 1}], "annotations": [{"image_id": 1, "bbox": []}]})
    with pytest.raises(DataError, match="instances_… and image_info_… contain no captions"):
        read(path, format="coco")
    with pytest.raises(DataError, match=r"files named captions_\*\.json in this folder"):
        read(tmp_path, format="coco")


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("captions_train2014.json", "train"),
        ("captions_val2017.json", "val"),
        ("My-Test.json", "test"),
        ("trains.json", None),
        ("captions.json", None),
    ],
)
def test_split_in_name(name: str, split: str | None):
    assert split_in_name(name) == split
