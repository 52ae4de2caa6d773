from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.metrics.segmentation import count_pixels, median_frequency_weights, segmentation_scores

TRUE = np.array([[0, 0, 1], [1, 1, 255]])
PREDICTED = np.array([[0, 1, 1], [1, 0, 0]])


def test_by_hand():
    counts = count_pixels(TRUE, PREDICTED, 3)
    assert counts.tolist() == [[1, 1, 0, 0], [1, 2, 0, 0], [0, 0, 0, 0]]
    scores = segmentation_scores(counts)
    assert scores.pixel_accuracy == pytest.approx(3 / 5)
    assert scores.mean_accuracy == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert scores.iou[:2] == pytest.approx((1 / 3, 2 / 4))
    assert math.isnan(scores.iou[2])
    assert scores.mean_iou == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert scores.frequency_weighted_iou == pytest.approx((2 * 1 / 3 + 3 * 1 / 2) / 5)


def test_a_pixel_of_no_class_is_wrong():
    scores = segmentation_scores(count_pixels(np.array([0, 0]), np.array([0, -1]), 2))
    assert scores.pixel_accuracy == 0.5
    assert scores.iou[0] == 0.5


def test_a_class_that_is_only_predicted_has_an_iou_of_0():
    assert segmentation_scores(count_pixels(np.array([0, 0]), np.array([0, 1]), 2)).iou == (0.5, 0)


def test_as_sets_of_pixels_have_it():
    random = np.random.default_rng(0)
    true, predicted = random.integers(0, 5, (2, 4, 30, 20))
    predicted = np.where(random.random(true.shape) < 0.5, true, predicted)
    counts = sum(count_pixels(*pair, 5) for pair in zip(true, predicted, strict=True))
    scores = segmentation_scores(counts)
    ours, theirs = ([set(np.flatnonzero(labels == each).tolist()) for each in range(5)] for labels in (true, predicted))
    pairs = list(zip(ours, theirs, strict=True))
    ious = [len(one & other) / len(one | other) for one, other in pairs]
    assert scores.iou == pytest.approx(ious)
    assert scores.mean_iou == pytest.approx(sum(ious) / 5)
    assert scores.pixel_accuracy == pytest.approx(sum(len(one & other) for one, other in pairs) / true.size)
    assert scores.mean_accuracy == pytest.approx(sum(len(one & other) / len(one) for one, other in pairs) / 5)
    weighted = sum(len(one) * iou for one, iou in zip(ours, ious, strict=True)) / true.size
    assert scores.frequency_weighted_iou == pytest.approx(weighted)


def test_median_frequencies_by_hand():
    """The second class is only counted over the image that has it."""
    weights = median_frequency_weights([np.array([6, 2, 0, 0]), np.array([2, 0, 6, 0])])
    np.testing.assert_allclose(weights, [0.5 / 0.5, 0.5 / 0.25, 0.5 / 0.75, 0])
