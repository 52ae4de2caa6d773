from __future__ import annotations

import pytest

from seetell.errors import DataError
from seetell.tasks.classification.data import label_of
from seetell.tasks.classification.objects import read_largest_objects


def test_the_largest_object_is_what_a_photo_shows(placed):
    dataset = read_largest_objects(placed)
    assert (len(dataset.split("train")), len(dataset.split("val"))) == (48, 12)
    assert dataset.labels == ("blue", "red")
    first = dataset.split("val")[0]
    left, top, right, bottom = dataset.boxes[first.id]
    assert label_of(first) == "red"
    assert 20 / 80 <= right - left < 30 / 80
    assert 20 / 64 <= bottom - top < 30 / 64
    assert first.box is None  # of which the encoder would see no more


def test_only_the_given_labels_count(placed):
    dataset = read_largest_objects(placed, labels=("green", "red"))
    assert [label_of(photo) for photo in dataset.split("val")[:2]] == ["red", "green"]
    assert dataset.boxes[dataset.split("val")[1].id] == pytest.approx((76 / 80, 60 / 64, 1, 1))
    with pytest.raises(DataError, match="no boxes of the labels yellow"):
        read_largest_objects(placed, labels=("red", "yellow"))
    with pytest.raises(DataError, match="two or more classes to tell apart, found 1"):
        read_largest_objects(placed, labels=("green",))


def test_photos_of_classes_that_are_not_learnt_are_left_out(tmp_path):
    for split, classes in {"train": (0, 1), "val": (0, 2)}.items():
        for part in ("images", "labels"):
            (tmp_path / part / split).mkdir(parents=True)
        for number, label in enumerate(classes):
            (tmp_path / "images" / split / f"{number}.jpg").touch()
            (tmp_path / "labels" / split / f"{number}.txt").write_text(f"{label} 0.5 0.5 0.5 0.5")
    (tmp_path / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [a, b, c]")
    dataset = read_largest_objects(tmp_path)
    assert dataset.labels == ("a", "b")
    assert len(dataset.split("val")) == 1
    assert "1 photos without an object of the classes are left out" in dataset.notes
