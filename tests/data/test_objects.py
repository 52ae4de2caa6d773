from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.data.objects import read_objects
from seetell.errors import DataError
from seetell.geometry.key_points import KeyPoints
from seetell.geometry.masks import encode, run_lengths

DOCUMENT = {
    "images": [
        {"id": 1, "file_name": "a.png", "width": 20, "height": 10},
        {"id": 2, "file_name": "b.png", "width": 20, "height": 10},
        {"id": 3, "file_name": "absent.png", "width": 20, "height": 10},
    ],
    "categories": [{"id": 7, "name": "dog"}, {"id": 9, "name": "cat"}],
    "annotations": [
        {"image_id": 1, "category_id": 9, "bbox": [5, 0, 10, 5], "iscrowd": 0},
        {"image_id": 1, "category_id": 7, "bbox": [0, 0, 20, 10], "iscrowd": 1},
        {"image_id": 1, "category_id": 8, "bbox": [0, 0, 20, 10]},
        {"image_id": 1, "category_id": 7, "bbox": [0, 0, 0, 10]},
        {"image_id": 1, "category_id": 7, "bbox": "none"},
    ],
}


def coco(folder: Path, *, name: str = "instances_val2017.json", document: object = DOCUMENT) -> Path:
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    (folder / "annotations" / name).write_text(json.dumps(document))
    for photo in ("a.png", "b.png"):
        Image.new("RGB", (20, 10)).save(folder / "images" / photo)
    return folder


def test_coco_instances(tmp_path: Path):
    dataset = read_objects(coco(tmp_path), photos=tmp_path / "images")
    assert (dataset.classes, dataset.format) == (("dog", "cat"), "COCO instances JSON")
    first, second = dataset.split("val")
    assert (first.id, first.boxes, first.classes) == (1, ((0.25, 0.0, 0.75, 0.5),), ("cat",))
    assert (second.boxes, second.classes) == ((), ())
    assert [problem.kind for problem in dataset.problems] == ["malformed"] * 3 + ["missing-photo"]


def detailed(**fields: object) -> dict[str, object]:
    categories = [{"id": 9, "name": "person", "keypoints": ["nose", "left_eye"], "skeleton": [[1, 2]]}]
    annotation = {
        "image_id": 1,
        "category_id": 9,
        "bbox": [5, 0, 10, 5],
        "segmentation": [[5, 0, 15, 0, 15, 5]],
        **fields,
    }
    return {**DOCUMENT, "categories": categories, "annotations": [annotation]}


def test_outlines_and_key_points_of_coco(tmp_path: Path):
    points = [6, 1, 2, 0, 0, 0]
    folder = coco(tmp_path, name="person_keypoints_val2017.json", document=detailed(keypoints=points))
    dataset = read_objects(folder, details=True)
    assert dataset.key_points == KeyPoints(("nose", "left_eye"), ((0, 1),))
    (details,) = dataset.photos[0].details
    assert details.outline[0].tolist() == [0.25, 0, 0.75, 0, 0.75, 0.5]
    assert details.points.tolist() == [[0.3, 0.1, 2], [0, 0, 0]]
    assert details.area == 25 / 200
    assert read_objects(folder).photos[0].details == ()


def test_run_lengths_of_coco_become_outlines(tmp_path: Path):
    mask = np.zeros((10, 20), bool)
    mask[2:5, 5:9] = True
    for number, counts in enumerate((encode(mask), run_lengths(mask).tolist())):
        document = detailed(segmentation={"size": [10, 20], "counts": counts}, area=11)
        dataset = read_objects(coco(tmp_path / str(number), document=document), details=True)
        (details,) = dataset.photos[0].details
        assert sorted(details.outline[0].reshape(-1, 2).tolist()) == [
            [0.25, 0.2],
            [0.25, 0.5],
            [0.45, 0.2],
            [0.45, 0.5],
        ]
        assert details.area == 11 / 200


@pytest.mark.parametrize(
    "fields",
    [
        {"segmentation": [[1, 2, 3]]},
        {"segmentation": [[1, 2, 3, 4, 5, "a"]]},
        {"segmentation": {"counts": "x"}},
        {"segmentation": 7},
        {"keypoints": [1, 2]},
        {"keypoints": [1, 2, 3, None, 4, 5]},
        {"area": "large"},
    ],
)
def test_damaged_details_are_a_problem(tmp_path: Path, fields: dict[str, object]):
    folder = coco(tmp_path, document=detailed(**fields))
    dataset = read_objects(folder, details=True)
    assert [problem.kind for problem in dataset.problems] == ["malformed", "missing-photo"]
    assert not dataset.photos[0].boxes
    assert len(read_objects(folder).photos[0].boxes) == 1


def test_a_skeleton_of_other_points(tmp_path: Path):
    document = detailed()
    document["categories"][0]["skeleton"] = [[1, 3]]
    with pytest.raises(DataError, match="key points of 'person': skeleton"):
        read_objects(coco(tmp_path, document=document))


def test_a_document_that_is_none(tmp_path: Path):
    with pytest.raises(DataError, match="expected COCO instances JSON, with 'images' and 'categories'"):
        read_objects(coco(tmp_path, document={"images": []}))


def test_where_none_validates_some_do(tmp_path: Path):
    document = {**DOCUMENT, "images": [{"id": n, "file_name": "a.png", "width": 2, "height": 2} for n in range(40)]}
    dataset = read_objects(coco(tmp_path, name="instances.json".replace("es.", "es_train."), document=document))
    assert 0 < len(dataset.split("val")) < 12
    assert "a tenth of the training photos does" in dataset.notes[0]
    small = read_objects(coco(tmp_path / "few", name="instances_train.json"))
    assert small.split("val") == small.split("train")


def test_formats(tmp_path: Path):
    with pytest.raises(DataError, match="Did you mean 'yolo'"):
        read_objects(tmp_path, format="yolov")
    with pytest.raises(DataError, match="captions: expected only with Flickr30k Entities"):
        read_objects(coco(tmp_path / "set"), captions=tmp_path)


def test_pascal_voc_is_recognised(tmp_path: Path):
    for name in ("Annotations", "JPEGImages"):
        (tmp_path / name).mkdir()
    Image.new("RGB", (20, 10)).save(tmp_path / "JPEGImages" / "1.jpg")
    box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>10</xmax><ymax>10</ymax></bndbox>"
    (tmp_path / "Annotations" / "1.xml").write_text(
        "<annotation><filename>1.jpg</filename><size><width>20</width><height>10</height></size>"
        f"<object><name>dog</name>{box}</object></annotation>"
    )
    (photo,) = read_objects(tmp_path).split("val")
    assert (photo.classes, photo.boxes) == (("dog",), ((0.0, 0.0, 0.5, 1.0),))
