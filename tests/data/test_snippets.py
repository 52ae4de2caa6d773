from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from seetell.data import read
from seetell.data.snippets import snippet_line
from seetell.errors import DataError

Paint = Callable[[Path, list[str]], Path]


def write(folder: Path, *lines: object) -> Path:
    path = folder / "phrases.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
    return path


def test_regions_add_up_and_keep_their_boxes(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png"])
    lines = [
        snippet_line("a.png", (0, 0, 4, 3), "a dog", split="train"),
        snippet_line("b.png", (1, 1.25, 2, 2), "a cat", split="val"),
        snippet_line("a.png", (2, 0, 4, 3), "grass", split="train"),
        snippet_line("a.png", (0, 0, 4, 3), "the black dog", split="train"),
    ]
    dataset = read(write(tmp_path, *lines))
    assert (dataset.name, dataset.format, dataset.problems) == ("phrases", "phrases of regions", ())
    assert [(photo.id, photo.path.name, photo.box, photo.captions, photo.split) for photo in dataset.photos] == [
        ("a.png#0", "a.png", (0.0, 0.0, 4.0, 3.0), ("a dog", "the black dog"), "train"),
        ("b.png#0", "b.png", (1.0, 1.25, 2.0, 2.0), ("a cat",), "val"),
        ("a.png#1", "a.png", (2.0, 0.0, 4.0, 3.0), ("grass",), "train"),
    ]


def test_without_splits_all_regions_of_a_photo_stay_together(tmp_path: Path, paint: Paint):
    names = [f"{number}.png" for number in range(30)]
    paint(tmp_path, names)
    lines = [snippet_line(name, (left, 0, 4, 3), "a dog", split=None) for left in range(3) for name in names]
    dataset = read(write(tmp_path, *lines))
    splits = {(photo.path, photo.split) for photo in dataset.photos}
    assert len(splits) == 30
    assert {split for _, split in splits} == {"train", "val", "test"}
    assert read(write(tmp_path, *lines[:5])).single_split


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON"),
        ({"image": "a.png", "box": [0, 0, 1, 1]}, "expected an object such as"),
        ({"image": "a.png", "box": [0, 0, 1], "caption": "a dog"}, "expected four numbers"),
        ({"image": "a.png", "box": [2, 0, 1, 1], "caption": "a dog"}, "x0 < x1"),
        ({"image": "a.png", "box": "0 0 1 1", "caption": "a dog"}, "expected four numbers"),
        ({"image": "a.png", "box": [0, 0, 1, 1], "caption": " . "}, "has no words"),
        ({"image": "a.png", "box": [0, 0, 1, 1], "caption": "a dog", "split": "x"}, "expected train, val or test"),
        ({"image": "absent.png", "box": [0, 0, 1, 1], "caption": "a dog", "split": "val"}, "no such file"),
    ],
)
def test_a_broken_line_affects_no_other(tmp_path: Path, paint: Paint, line: object, message: str):
    paint(tmp_path, ["a.png"])
    good = snippet_line("a.png", (0, 0, 4, 3), "a dog", split="train")
    dataset = read(write(tmp_path, good, line))
    assert [photo.captions for photo in dataset.photos] == [("a dog",)]
    (problem,) = dataset.problems
    assert message in problem.message
    with pytest.raises(DataError, match=r"no usable region|none of"):
        read(write(tmp_path, line), format="snippets")
