from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seetell.data.object_results import COCO_NUMBERS, coco_results, yolo_labels
from seetell.geometry.masks import encode
from seetell.language.object_names import CLASSES
from seetell.results import Mask, Masks, Region, Regions

PHOTO = Regions(
    (Region("dog", (10.0, 20.0, 110.0, 70.0), 0.9), Region("person", (0.0, 0.0, 200.0, 100.0), 0.5)),
    (200, 100),
    "model",
)


def test_cocos_numbers_are_the_published_ones():
    published = {"person": 1, "stop sign": 13, "umbrella": 28, "wine glass": 46, "toilet": 70, "toothbrush": 90}
    assert published.items() <= COCO_NUMBERS.items()
    assert len(COCO_NUMBERS) == 80


def test_cocos_results_are_what_its_evaluation_reads():
    photos = [("000000000139.jpg", PHOTO), ("COCO_val2014_000000000042.jpg", PHOTO), ("beach.jpg", PHOTO)]
    found = coco_results(photos, CLASSES)
    assert found[0] == {"image_id": 139, "category_id": 18, "bbox": [10.0, 20.0, 100.0, 50.0], "score": 0.9}
    assert [each["image_id"] for each in found[::2]] == [139, 42, "beach"]


def test_other_classes_count_from_one():
    assert [each["category_id"] for each in coco_results([("1.jpg", PHOTO)], ["person", "robot"])] == [3, 1]
    assert [each["category_id"] for each in coco_results([("1.jpg", PHOTO)], [])] == [18, 1]


def test_pycocotools_takes_boxes_and_masks(tmp_path: Path):
    coco = pytest.importorskip("pycocotools.coco")
    pixels = np.zeros((100, 200), bool)
    pixels[20:70, 10:110] = True
    masks = Masks((Mask("dog", 0.9, 0.25, (10.0, 20.0, 110.0, 70.0), encode(pixels), 1),), (200, 100), "model")
    truth = {
        "images": [{"id": 1, "width": 200, "height": 100}],
        "categories": [{"id": number, "name": name} for name, number in COCO_NUMBERS.items()],
        "annotations": [],
    }
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    dataset = coco.COCO(tmp_path / "truth.json")
    for result in (PHOTO, masks):
        (tmp_path / "results.json").write_text(json.dumps(coco_results([("1.jpg", result)], CLASSES)))
        loaded = dataset.loadRes(str(tmp_path / "results.json"))
        assert loaded.loadAnns([1])[0]["area"] == 5000


def test_yolos_labels_are_centres_and_sides_in_shares():
    assert yolo_labels(PHOTO, ["person", "dog"]).splitlines() == [
        "1 0.300000 0.450000 0.500000 0.500000",
        "0 0.500000 0.500000 1.000000 1.000000",
    ]
    assert yolo_labels(Regions((), (200, 100), "model"), []) == ""
