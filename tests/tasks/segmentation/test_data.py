from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.errors import DataError, PhotoError
from seetell.tasks.segmentation.data import VOID, read_label_map, read_label_maps

VALUES = np.array([[0, 1, 2], [3, 9, 255]], np.uint8)


def write(folder: Path, label_map: Image.Image, *, classes: str = "void\nroad\nsky\ncar\n", count: int = 1) -> Path:
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(count):
        Image.new("RGB", label_map.size).save(folder / "images" / f"{number}.jpg")
        label_map.save(folder / "masks" / f"{number}.png")
    if classes:
        (folder / "classes.txt").write_text(classes, encoding="utf-8")
    return folder


def first(folder: Path, labels: tuple[str, ...] = (), size: tuple[int, int] | None = None) -> list[list[int]]:
    dataset = read_label_maps(folder, labels=labels)
    return read_label_map(dataset.photos[0], dataset.classes, size=size).tolist()


def test_numbers_of_classes(tmp_path: Path):
    write(tmp_path, Image.fromarray(VALUES))
    dataset = read_label_maps(tmp_path)
    assert dataset.classes.labels == ("road", "sky", "car")
    assert dataset.single_split
    assert first(tmp_path) == [[VOID, 0, 1], [2, VOID, VOID]]


def test_numbers_behind_a_palette(tmp_path: Path):
    picture = Image.fromarray(VALUES, mode="P")
    picture.putpalette(list(range(256)) * 3)
    write(tmp_path, picture)
    assert first(tmp_path) == [[VOID, 0, 1], [2, VOID, VOID]]


def test_colours_of_classes(tmp_path: Path):
    pixels = np.array([[[128, 64, 128], [0, 0, 0], [70, 70, 70]]], np.uint8)
    write(tmp_path, Image.fromarray(pixels), classes="128 64 128 road\n0 0 0 Void\n70 70 71 building\n")
    assert first(tmp_path) == [[0, VOID, VOID]]
    assert read_label_maps(tmp_path).classes.labels == ("road", "building")


def test_classes_in_the_order_of_a_model(tmp_path: Path):
    write(tmp_path, Image.fromarray(VALUES))
    assert first(tmp_path, ("car", "tree", "sky", "road")) == [[VOID, 3, 2], [0, VOID, VOID]]
    with pytest.raises(DataError, match="has classes that the model has not: car"):
        read_label_maps(tmp_path, labels=("road", "sky"))


def test_numbers_are_those_of_the_model_without_a_list(tmp_path: Path):
    write(tmp_path, Image.fromarray(VALUES), classes="")
    assert first(tmp_path, ("a", "b", "c")) == [[0, 1, 2], [VOID, VOID, VOID]]


def test_label_maps_are_resized_without_new_values(tmp_path: Path):
    write(tmp_path, Image.fromarray(VALUES))
    assert first(tmp_path, size=(6, 2)) == [[VOID, VOID, 0, 0, 1, 1], [2, 2, VOID, VOID, VOID, VOID]]


def test_images_are_divided(tmp_path: Path):
    write(tmp_path, Image.fromarray(VALUES), count=30)
    dataset = read_label_maps(tmp_path)
    assert {image.split for image in dataset.photos} == {"train", "val", "test"}
    assert not dataset.single_split
    assert len(dataset.notes) == 1


def test_an_image_without_a_label_map_is_a_problem(tmp_path: Path):
    write(tmp_path, Image.fromarray(VALUES))
    Image.new("RGB", (3, 2)).save(tmp_path / "images" / "other.jpg")
    dataset = read_label_maps(tmp_path)
    assert len(dataset.photos) == 1
    assert [problem.kind for problem in dataset.problems] == ["missing-annotation"]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ("1 2 300 road\n", "from 0 to 255"),
        ("road\nroad\n", "named twice"),
        ("1 2 3 road\nsky\n", "a colour for every class"),
    ],
)
def test_wrong_lists_of_classes_are_refused(tmp_path: Path, classes: str, message: str):
    write(tmp_path, Image.fromarray(VALUES), classes=classes)
    with pytest.raises(DataError, match=message):
        read_label_maps(tmp_path)


def test_what_is_no_data_set_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="found none"):
        read_label_maps(tmp_path)
    with pytest.raises(DataError, match="expected a folder"):
        read_label_maps(tmp_path / "absent")
    with pytest.raises(DataError, match="label-maps"):
        read_label_maps(tmp_path, format="coco")


def test_label_maps_that_cannot_be_read_are_refused(tmp_path: Path):
    write(tmp_path, Image.new("RGB", (3, 2)))
    dataset = read_label_maps(tmp_path)
    with pytest.raises(PhotoError, match=r"is in colour; name the colours"):
        read_label_map(dataset.photos[0], dataset.classes)
    (tmp_path / "masks" / "0.png").write_bytes(b"no picture")
    with pytest.raises(PhotoError, match=r"0\.png"):
        read_label_map(dataset.photos[0], dataset.classes)
