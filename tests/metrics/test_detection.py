from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.detection import IOUS, Detection, average_precision, detection_average_precision

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
