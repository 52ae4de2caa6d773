from __future__ import annotations

import numpy as np
import pytest
from coco_reference import coco_scores

from seetell.geometry.masks import area, encode, mask_box
from seetell.geometry.masks import decode as decoded
from seetell.metrics.instances import Instance, mask_average_precision

SIZE = (16, 12)


def instance(label: str, box: tuple[int, int, int, int], score: float = 1.0) -> Instance:
    mask = np.zeros(SIZE[::-1], bool)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = True
    return Instance(label, encode(mask), SIZE, score)


def test_pixels_are_compared():
    # 8 of 10 columns: an intersection over union of 0.8, enough for 7 of 10 thresholds
    scores = mask_average_precision(
        {1: [instance("dog", (0, 0, 10, 10))], 2: []}, {1: [instance("dog", (0, 0, 8, 10), 0.9)]}
    )
    assert (scores.ap, scores.ap50, scores.boxes, scores.photos) == (pytest.approx(0.7), 1, 1, 2)


def random_instances(random: np.random.Generator, boxes: np.ndarray, *, found: bool) -> list[Instance]:
    """Return ragged instances near some boxes."""
    instances = []
    for label, left, top, wide, high in boxes:
        if found:
            left, top = (
                max(0, place + shift) for place, shift in zip((left, top), random.integers(-1, 2, 2), strict=True)
            )
        one = instance("abc"[label], (left, top, left + wide, top + high), float(random.integers(20) / 20))
        mask = decoded(one.counts, SIZE) & (random.random(SIZE[::-1]) < 0.9)
        if mask.any():
            instances.append(Instance(one.label, encode(mask), SIZE, one.score if found else 1.0))
    return instances


@pytest.mark.slow
def test_it_is_what_pycocotools_computes():
    pytest.importorskip("pycocotools")
    random = np.random.default_rng(3)
    truth, found = {}, {}
    for photo in range(20):
        count = int(random.integers(0, 6))
        boxes = np.column_stack(
            [random.integers(3, size=count), random.integers(0, 9, (count, 2)), random.integers(2, 9, (count, 2))]
        )
        truth[photo] = random_instances(random, boxes, found=False)
        found[photo] = random_instances(random, np.concatenate([boxes, boxes[:2]]), found=True)

    def rows(instances_of: dict[int, list[Instance]]) -> list[dict]:
        return [
            {
                "image_id": photo,
                "category_id": "abc".index(each.label),
                "segmentation": {"size": [SIZE[1], SIZE[0]], "counts": each.counts},
                "area": area(each.counts),
                "bbox": list(mask_box(decoded(each.counts, SIZE))),
                "score": each.score,
            }
            for photo, instances in instances_of.items()
            for each in instances
        ]

    expected = coco_scores("segm", list(truth), rows(truth), rows(found), classes=3, size=SIZE)
    scores = mask_average_precision(truth, found)
    assert (scores.ap, scores.ap50) == pytest.approx(expected, abs=1e-9)
    assert 0.05 < scores.ap < 0.9
