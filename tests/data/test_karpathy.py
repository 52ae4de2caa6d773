from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seetell.data import read
from seetell.errors import DataError

Paint = Callable[[Path, list[str]], Path]


def image(number: int, split: str, **fields: Any) -> dict[str, Any]:
    sentences = [{"raw": f"Dog {number}, running.", "tokens": ["dog", str(number), "running"], "sentid": number}]
    return {"filename": f"{number}.jpg", "imgid": number, "split": split, "sentences": sentences} | fields


def write(path: Path, images: list[Any]) -> Path:
    path.write_text(json.dumps({"dataset": "flickr8k", "images": images}))
    return path


def test_splits_ids_and_captions(tmp_path: Path, paint: Paint):
    paint(tmp_path / "images", ["1.jpg", "2.jpg", "3.jpg"])
    paint(tmp_path / "val2014", ["4.jpg"])
    path = write(
        tmp_path / "dataset_flickr8k.json",
        [
            image(1, "train"),
            image(2, "restval", cocoid=702),
            image(3, "val", sentences=[{"tokens": ["two", "dogs"]}]),
            image(4, "test", filepath="val2014"),
        ],
    )
    dataset = read(path)
    assert (dataset.name, dataset.problems) == ("flickr8k", ())
    assert [(photo.id, photo.split, photo.captions) for photo in dataset.photos] == [
        (1, "train", ("Dog 1, running.",)),
        (702, "train", ("Dog 2, running.",)),
        (3, "val", ("two dogs",)),
        (4, "test", ("Dog 4, running.",)),
    ]
    assert dataset.photos[3].path == tmp_path / "val2014" / "4.jpg"
    assert read(tmp_path).photos == dataset.photos


def test_the_folder_in_filepath_distinguishes_photos_of_one_name(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["train/1.jpg", "val/1.jpg"])
    images = [image(1, "train", filepath="train"), image(1, "val", filepath="val", imgid=2)]
    dataset = read(write(tmp_path / "d.json", images))
    assert [photo.path.parent.name for photo in dataset.photos] == ["train", "val"]


def test_broken_items_affect_no_other(tmp_path: Path, paint: Paint):
    paint(tmp_path, [f"{number}.jpg" for number in range(1, 7)])
    path = write(
        tmp_path / "d.json",
        [
            image(1, "train"),
            None,
            {"filename": 5, "sentences": []},
            image(2, "somewhere"),
            image(3, "train", sentences=[{"raw": 5}, "text", {"raw": "A cat."}]),
            image(4, "train", sentences={"raw": "no list"}),
            image(1, "train"),
        ],
    )
    dataset = read(path)
    assert [(photo.id, photo.captions) for photo in dataset.photos] == [(1, ("Dog 1, running.",)), (3, ("A cat.",))]
    assert [(problem.kind, problem.where) for problem in dataset.problems] == [
        ("malformed", "images[1]"),
        ("malformed", "images[2]"),
        ("malformed", "images[3]"),
        ("malformed", "images[4]"),
        ("malformed", "images[4]"),
        ("photo-without-caption", "images[5]"),
        ("duplicate-id", "images[6]"),
        ("no-split", "images[3]"),
    ]


@pytest.mark.parametrize(
    ("document", "came"),
    [([], "an empty list"), ({"images": [{"id": 1}]}, "an object with 'images'"), (3, "an int"), ([1], "not objects")],
)
def test_another_document_is_described_in_the_error(tmp_path: Path, document: object, came: str):
    path = tmp_path / "d.json"
    path.write_text(json.dumps(document))
    with pytest.raises(DataError, match=f"expected a Karpathy split JSON.*{came}"):
        read(path, format="karpathy")
