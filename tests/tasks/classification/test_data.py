from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seetell.errors import DataError
from seetell.tasks.classification.data import label_of, read_class_folders


def write(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)


def test_images_without_splits_are_divided_by_their_paths(colours):
    dataset = read_class_folders(colours)
    assert dataset.labels == ("blue", "green", "red")
    assert len(dataset.photos) == 42
    assert {photo.split for photo in dataset.photos} == {"train", "val", "test"}
    assert {label_of(photo) for photo in dataset.split("train")} == set(dataset.labels)
    assert dataset.photos[0].id == "blue/0.png"
    assert "divided" in dataset.notes[0]
    assert dataset == read_class_folders(colours, format="class-folders")
    assert dataset.photos != read_class_folders(colours, split_seed=1).photos


def test_folders_of_splits_are_kept(tmp_path):
    write(
        *(tmp_path / split / label / "1.png" for split in ("train", "validation", "test") for label in ("cat", "dog"))
    )
    dataset = read_class_folders(tmp_path)
    assert dataset.labels == ("cat", "dog")
    assert dataset.notes == ()
    assert [(photo.id, label_of(photo), photo.split) for photo in dataset.split("val")] == [
        ("validation/cat/1.png", "cat", "val"),
        ("validation/dog/1.png", "dog", "val"),
    ]


def test_a_class_may_be_called_test(tmp_path):
    write(tmp_path / "test" / "1.png", tmp_path / "no test" / "1.png")
    dataset = read_class_folders(tmp_path)
    assert dataset.labels == ("no test", "test")
    assert dataset.single_split
    assert len(dataset.split("val")) == 2


def test_images_may_lie_deeper_and_what_is_no_class_is_named(tmp_path):
    write(tmp_path / "cat" / "siamese" / "1.png", tmp_path / "dog" / "1.png", tmp_path / "loose.png")
    (tmp_path / "fish").mkdir()
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / ".hidden").mkdir()
    dataset = read_class_folders(tmp_path)
    assert [photo.id for photo in dataset.photos] == ["cat/siamese/1.png", "dog/1.png"]
    assert [(problem.where, problem.message) for problem in dataset.problems] == [
        ("loose.png", "is in no folder of a class"),
        ("fish", "holds no images"),
    ]


def test_what_is_no_data_set_is_refused(tmp_path):
    with pytest.raises(DataError, match="expected a folder with a folder of images per class"):
        read_class_folders(tmp_path / "nowhere")
    with pytest.raises(DataError, match="found no images in folders"):
        read_class_folders(tmp_path)
    write(tmp_path / "cat" / "1.png")
    with pytest.raises(DataError, match="found images of 'cat' alone"):
        read_class_folders(tmp_path)
    with pytest.raises(DataError, match="unknown format 'coco'"):
        read_class_folders(tmp_path, format="coco")
