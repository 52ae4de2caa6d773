from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seetell.data.objects import read_objects
from seetell.data.yolo import read_yolo
from seetell.errors import DataError

DESCRIPTION = "path: .\ntrain: images/train\nval: images/val\nnames:\n  0: dog\n  1: cat\n"


def write(folder: Path, labels: dict[str, str], *, images: str = "images", description: str = DESCRIPTION) -> Path:
    """Write a data set; keys of ``labels`` are such as ``val/1``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data.yaml").write_text(description)
    for name, text in labels.items():
        photo = folder / images / f"{name}.png"
        photo.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(photo)
        if text:
            file = folder / "labels" / f"{name}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return folder


def test_boxes_become_xyxy_and_images_without_a_file_have_none(tmp_path: Path):
    dataset = read_yolo(write(tmp_path, {"val/1": "1 0.5 0.5 0.5 0.25\n\n0 0.1 0.5 0.4 1\n", "train/2": ""}))
    assert dataset.classes == ("dog", "cat")
    assert not dataset.problems
    (photo,) = dataset.split("val")
    assert (photo.id, photo.classes) == ("val/1.png", ("cat", "dog"))
    assert photo.boxes[0] == (0.25, 0.375, 0.75, 0.625)
    assert photo.boxes[1] == pytest.approx((0, 0, 0.3, 1))  # cut at the edge
    assert dataset.split("train")[0].boxes == ()


def test_names_as_a_list_and_images_beside_the_data_set_or_named(tmp_path: Path):
    description = "val: [images/val]\nnames: [dog]\n"
    folder = write(tmp_path / "set", {"val/1": "0 .5 .5 1 1"}, images="../images", description=description)
    assert len(read_yolo(folder).split("val")) == 1
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    assert len(read_yolo(folder, photos=tmp_path / "elsewhere").split("val")) == 1
    with pytest.raises(DataError, match="hold no images"):
        read_yolo(folder)


@pytest.mark.parametrize(
    "line", ["2 .5 .5 .5 .5", "-1 .5 .5 .5 .5", "0.5 .5 .5 .5 .5", "0 .5 .5 .5", "0 nan .5 1 1", "a"]
)
def test_a_line_that_is_wrong_is_a_problem_and_skipped(tmp_path: Path, line: str):
    dataset = read_yolo(write(tmp_path, {"val/1": f"0 .5 .5 1 1\n{line}\n"}))
    assert len(dataset.photos[0].boxes) == 1
    (problem,) = dataset.problems
    assert (problem.kind, problem.where.endswith("1.txt:2")) == ("malformed", True)


def test_a_box_outside_the_image_is_a_problem(tmp_path: Path):
    dataset = read_yolo(write(tmp_path, {"val/1": "0 1.5 .5 .5 1"}))
    assert [problem.kind for problem in dataset.problems] == ["box-without-area"]


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ("- a", "expected the fields names"),
        ("{", "cannot be read as YAML"),
        ("val: images/val", "names: expected the names"),
        ("val: images/val\nnames: {a: b}", "names: expected numbers from 0"),
        ("val: images/val\nnames: {0: 1}", "names: expected the names"),
        ("val: ../secret\nnames: [a]", "inside the data set"),
        ("val: [1]\nnames: [a]", "expected a folder such as"),
    ],
)
def test_descriptions_that_are_wrong(tmp_path: Path, description: str, message: str):
    with pytest.raises(DataError, match=message):
        read_yolo(write(tmp_path, {"val/1": ""}, description=description))


def test_folders_that_are_no_such_data_set(tmp_path: Path):
    with pytest.raises(DataError, match=r"one \.yaml file, found 0"):
        read_yolo(tmp_path)
    with pytest.raises(DataError, match="unknown format 'coco'"):
        read_yolo(tmp_path, format="coco")


def test_a_folder_that_is_missing_is_said_to_be(tmp_path: Path):
    with pytest.raises(DataError, match="missing: no such file or folder"):
        read_yolo(tmp_path / "missing")
    with pytest.raises(DataError, match=r"one .yaml file, found 0; or COCO's"):
        read_yolo(tmp_path)


POLYGON = "7 0 0 0.5 0 0.5 0.25 0.25 1.5\n"


def test_polygons_have_boxes_around_them_and_numbers_may_have_gaps(tmp_path: Path):
    folder = write(tmp_path, {"val/1": POLYGON + "0 .5 .5 .5 .5"}, description="val: images/val\nnames: {0: a, 7: b}\n")
    (photo,) = read_yolo(folder, details=True).photos
    assert (photo.classes, photo.boxes) == (("b", "a"), ((0, 0, 0.5, 1), (0.25, 0.25, 0.75, 0.75)))
    outlined, boxed = photo.details
    assert outlined.outline[0].tolist() == [0, 0, 0.5, 0, 0.5, 0.25, 0.25, 1]  # cut at the edge
    assert outlined.area == pytest.approx(
        0.28125
    )  # a rectangle of 0.5 × 0.25, and two triangles below it: 0.125 + 0.15625
    assert boxed.outline == ()
    assert read_yolo(folder).photos[0].details == ()


def test_images_without_a_file_may_be_left_out(tmp_path: Path):
    folder = write(
        tmp_path, {"val/1": "0 .5 .5 1 1", "val/2": ""}, description=DESCRIPTION + "skip_if_label_file_missing: true\n"
    )
    assert [photo.id for photo in read_yolo(folder).photos] == ["val/1.png"]


def test_photos_that_train_and_validate_are_told(tmp_path: Path):
    folder = write(tmp_path, {"all/1": "0 .5 .5 1 1", "all/2": "0 .5 .5 1 1", "other/3": ""})
    (folder / "data.yaml").write_text("train: images/all\nval: [images/all, images/other]\nnames: [dog]\n")
    (note,) = read_objects(folder).notes
    assert note.startswith("2 of the photos to validate on are trained on, too")
    (folder / "data.yaml").write_text("train: images/all\nval: images/other\nnames: [dog]\n")
    assert read_objects(folder).notes == ()
