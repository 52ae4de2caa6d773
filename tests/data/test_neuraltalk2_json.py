from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seetell.data import read
from seetell.errors import DataError

Paint = Callable[[Path, list[str]], Path]


def test_ids_captions_and_splits(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["images/1.jpg", "images/2.jpg", "3.jpg"])
    (tmp_path / "raw.json").write_text(
        json.dumps(
            [
                {"file_path": "images/1.jpg", "captions": ["A dog.", "Dogs run."], "id": 5, "split": "train"},
                {"file_path": "2.jpg", "captions": ["A cat."], "split": "val"},
                {"file_path": str(tmp_path / "3.jpg"), "captions": "One string.", "id": "x", "split": "test"},
            ]
        )
    )
    for path in (tmp_path / "raw.json", tmp_path):
        dataset = read(path)
        assert (dataset.name, dataset.problems) == ("raw", ())
        assert [(photo.id, photo.captions, photo.split) for photo in dataset.photos] == [
            (5, ("A dog.", "Dogs run."), "train"),
            ("2.jpg", ("A cat.",), "val"),
            ("x", ("One string.",), "test"),
        ]


def test_broken_items_affect_no_other(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["1.jpg", "2.jpg", "3.jpg", "4.jpg"])
    (tmp_path / "raw.json").write_text(
        json.dumps(
            [
                {"file_path": "1.jpg", "captions": ["A dog.", 7, None]},
                5,
                {"captions": ["No photo."]},
                {"file_path": "2.jpg"},
                {"file_path": "3.jpg", "captions": {"raw": "no list"}},
                {"file_path": "4.jpg", "captions": ["A cat."], "split": "nowhere"},
                {"file_path": "1.jpg", "captions": ["Again."], "id": 9},
            ]
        )
    )
    dataset = read(tmp_path / "raw.json")
    assert [photo.captions for photo in dataset.photos] == [("A dog.",), ("A cat.",)]
    assert [(problem.kind, problem.where) for problem in dataset.problems] == [
        ("malformed", "[0]"),
        ("malformed", "[0]"),
        ("malformed", "[1]"),
        ("malformed", "[2]"),
        ("malformed", "[4]"),
        ("malformed", "[5]"),
        ("photo-without-caption", "[3]"),
        ("photo-without-caption", "[4]"),
        ("duplicate-photo", "[6]"),
    ]


def test_another_list_is_described_in_the_error(tmp_path: Path):
    path = tmp_path / "results.json"
    path.write_text(json.dumps([{"image_id": 1, "caption": "A dog."}]))
    with pytest.raises(DataError, match=r"expected neuraltalk2 raw JSON.*a list of objects with 'image_id', 'caption'"):
        read(path, format="neuraltalk2")
