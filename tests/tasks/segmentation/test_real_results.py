"""Average precision of masks on photos of COCO, beside pycocotools."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from coco_reference import coco_scores

import seetell
from seetell.data.objects import read_objects
from seetell.geometry.masks import area, decode, encode, mask_box
from seetell.geometry.polygons import fill_polygons
from seetell.metrics.instances import Instance, mask_average_precision
from seetell.tasks.detection.evaluate import THRESHOLD, TOP
from seetell.tasks.segmentation.evaluate_instances import true_instances

pytestmark = pytest.mark.slow

DATA = Path(os.environ.get("SEETELL_DATA", Path(__file__).parents[4] / "shared" / "data")) / "coco128"


def ellipse(box: tuple[float, float, float, float], size: tuple[int, int]) -> str:
    """Return the pixels of the ellipse in a box, which is all that a detector without masks can say."""
    left, top, right, bottom = box
    turns = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x, y = (left + right + (right - left) * np.cos(turns)) / 2, (top + bottom + (bottom - top) * np.sin(turns)) / 2
    return encode(fill_polygons([np.column_stack([x, y]).ravel().tolist()], size))


@pytest.mark.nightly
@pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA}")
def test_masks_of_objects_that_a_detector_finds():
    dataset = read_objects(DATA / "instance_segmentation", details=True)
    detector = seetell.load("detect", threads=1)
    photos = dataset.split("val")[:50]
    results = detector.predict_many([photo.path for photo in photos], threshold=THRESHOLD, top=TOP, same_place_iou=1.0)
    truth, found, sizes = {}, {}, {}
    for number, (photo, regions) in enumerate(zip(photos, results, strict=True)):
        sizes[number] = regions.size
        truth[number] = true_instances(photo, regions.size)
        found[number] = [
            Instance(region.text, ellipse(region.box, regions.size), regions.size, region.score) for region in regions
        ]

    def rows(instances_of: dict[int, list[Instance]]) -> list[dict]:
        return [
            {
                "image_id": photo,
                "category_id": dataset.classes.index(each.label),
                "segmentation": {"size": each.size[::-1], "counts": each.counts},
                "area": area(each.counts),
                "bbox": list(mask_box(decode(each.counts, each.size))),
                "score": each.score,
            }
            for photo, instances in instances_of.items()
            for each in instances
        ]

    scores = mask_average_precision(truth, found)
    expected = coco_scores("segm", list(sizes), rows(truth), rows(found), classes=len(dataset.classes), size=sizes)
    assert (scores.ap, scores.ap50) == pytest.approx(expected, abs=1e-9)
    assert scores.ap50 > 0.2
