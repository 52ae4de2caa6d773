from __future__ import annotations

import numpy as np
import pytest
from coco_reference import box_rows, coco_scores
from voc_reference import voc_scores

from seetell.errors import DataError
from seetell.metrics.detection import (
    IOUS,
    Detection,
    average_precision,
    detection_average_precision,
    voc_average_precision,
)

BOX = (0.0, 0.0, 10.0, 10.0)


def test_average_precision_by_hand():
    # right, wrong, right, of two true boxes: precision 1 up to recall 0.5 (51 of 101 recalls), then 2/3
    assert average_precision(np.array([True, False, True]), 2) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert average_precision(np.array([True]), 2) == pytest.approx(51 / 101)
    assert average_precision(np.zeros(0, bool), 2) == 0


def test_a_box_counts_at_the_overlaps_that_it_reaches():
    # a detection over 8 of 10 columns: an intersection over union of 0.8, enough for 0.5 to 0.8: 7 of 10 thresholds
    scores = detection_average_precision({1: [Detection("dog", BOX)]}, {1: [Detection("dog", (0, 0, 8, 10), 0.9)]})
    assert (scores.ap, scores.ap50) == (pytest.approx(0.7), 1)
    assert len(IOUS) == 10


def test_a_true_box_is_taken_once_and_by_the_better():
    found = [Detection("dog", (0, 0, 6, 10), 0.9), Detection("dog", BOX, 0.8), Detection("dog", BOX, 0.7)]
    scores = detection_average_precision({1: [Detection("dog", BOX)]}, {1: found})
    # at 0.5 to 0.6 the first takes it; above, the second does, after one that is wrong; the third never
    assert scores.per_class["dog"] == pytest.approx((3 * 1 + 7 * 0.5) / 10)
    two = detection_average_precision({1: [Detection("dog", BOX), Detection("dog", (0, 0, 6, 10))]}, {1: found})
    assert two.ap50 == 1


def test_classes_count_alike_and_only_those_with_a_true_box():
    truth = {1: [Detection("dog", BOX), Detection("cat", BOX)], 2: [Detection("cat", BOX)], 3: []}
    found = {1: [Detection("dog", BOX, 0.9)], 3: [Detection("horse", BOX, 0.9)]}
    scores = detection_average_precision(truth, found)
    assert scores.per_class == {"cat": 0, "dog": 1}
    assert scores.to_dict() == {"AP": 0.5, "AP50": 0.5, "boxes": 3, "photos": 3}


def test_what_cannot_be_scored():
    with pytest.raises(DataError, match="at least one box"):
        detection_average_precision({1: []}, {})
    with pytest.raises(DataError, match="2 is not one of them"):
        detection_average_precision({1: [Detection("dog", BOX)]}, {2: []})


def random_boxes(random: np.random.Generator, count: int, *, scores: bool) -> list[Detection]:
    """Return boxes on a coarse grid, so that many overlap by equal shares, and scores of which many are equal."""
    corners = random.integers(0, 12, (count, 2))
    sides = random.integers(1, 9, (count, 2))
    chosen = random.integers(0, 20, count) / 20 if scores else np.ones(count)
    return [
        Detection("abc"[label], (*map(float, corner), *map(float, corner + side)), float(score))
        for label, corner, side, score in zip(random.integers(3, size=count), corners, sides, chosen, strict=True)
    ]


@pytest.mark.slow
def test_it_is_what_pycocotools_computes():
    pytest.importorskip("pycocotools")
    for seed in range(4):
        random = np.random.default_rng(seed)
        truth = {photo: random_boxes(random, int(random.integers(0, 9)), scores=False) for photo in range(40)}
        found = {photo: random_boxes(random, int(random.integers(0, 25)), scores=True) for photo in range(40)}
        scores = detection_average_precision(truth, found)
        expected = coco_scores("bbox", [*truth], box_rows(truth, "abc"), box_rows(found, "abc"), classes=3)
        assert (scores.ap, scores.ap50) == pytest.approx(expected, abs=1e-9)


def test_pascal_voc_is_what_is_computed_one_detection_at_a_time():
    for seed in range(4):
        random = np.random.default_rng(seed)
        truth = {photo: random_boxes(random, int(random.integers(0, 9)), scores=False) for photo in range(12)}
        found = {photo: random_boxes(random, int(random.integers(0, 25)), scores=True) for photo in range(12)}
        scores = voc_average_precision(truth, found)
        assert (scores.map_2007, scores.map_2010) == pytest.approx(voc_scores(truth, found), abs=1e-12)


def test_pascal_voc_by_hand():
    truth = {1: [Detection("dog", BOX), Detection("dog", (20, 0, 30, 10))]}
    found = {
        1: [Detection("dog", BOX, 0.9), Detection("dog", (0, 0, 9, 10), 0.8), Detection("dog", (20, 0, 30, 9), 0.7)]
    }
    scores = voc_average_precision(truth, found)  # right, a second time the same, right: precisions 1, 1/2, 2/3
    assert scores.map_2007 == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)
    assert scores.map_2010 == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert scores.per_class == {"dog": (scores.map_2007, scores.map_2010)}


def test_pascal_voc_looks_at_the_nearest_true_box_alone_and_coco_at_the_free_ones():
    truth = {1: [Detection("dog", BOX), Detection("dog", (0, 0, 10, 6))]}
    found = {1: [Detection("dog", BOX, 0.9), Detection("dog", (0, 0, 10, 9), 0.8)]}
    assert voc_average_precision(truth, found).map_2010 == pytest.approx(0.5)
    assert detection_average_precision(truth, found).ap50 == 1


def test_pascal_voc_takes_the_mean_over_classes_with_a_true_box():
    truth = {1: [Detection("dog", BOX), Detection("cat", BOX)], 2: []}
    found = {1: [Detection("dog", BOX, 0.9)], 2: [Detection("horse", BOX, 0.9)]}
    assert voc_average_precision(truth, found).map_2010 == 0.5
    with pytest.raises(DataError, match="3 is not one of them"):
        voc_average_precision(truth, {3: []})


def test_of_equal_scores_those_of_the_first_id_come_first():
    box, elsewhere = (0.0, 0.0, 10.0, 10.0), (50.0, 50.0, 60.0, 60.0)
    truth = {"b": [Detection("dog", box)], "a": [Detection("dog", box)]}
    found = {"b": [Detection("dog", box, 0.5)], "a": [Detection("dog", elsewhere, 0.5)]}
    scores = detection_average_precision(truth, found)
    assert scores.ap50 == pytest.approx(51 / 101 * 0.5)
    turned = [dict(reversed(each.items())) for each in (truth, found)]
    assert detection_average_precision(*turned) == scores
