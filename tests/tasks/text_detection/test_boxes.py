"""Lines come out of maps of text as they went in, upright and tilted, and connected parts are those of scipy."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.text_detection.boxes import connected_runs, find_lines
from seetell.tasks.text_detection.scoring import bounding_boxes, line_scores
from seetell.tasks.text_detection.shrinking import SHRINK, grown, shrink_distance
from seetell.tasks.text_detection.targets import HIGH, LOW, area, offset, perimeter, target_maps


def rectangle(left: float, top: float, width: float, height: float, degrees: float = 0.0) -> np.ndarray:
    """Corners of a rectangle turned about its top left corner."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) @ turn + (left, top)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.6, 0.9])
def test_connected_parts_are_scipys(share):
    ndimage = pytest.importorskip("scipy.ndimage")
    mask = np.random.default_rng(0).random((40, 60)) < share
    runs = connected_runs(mask)
    drawn = np.zeros(mask.shape, int)
    for row, start, end, label in zip(*(each.tolist() for each in runs), strict=True):
        drawn[row, start:end] = label + 1
    expected, count = ndimage.label(mask, np.ones((3, 3)))
    assert len(np.unique(runs.labels)) == count
    assert len(np.unique(np.stack([drawn, expected]).reshape(2, -1), axis=1).T) == count + (share < 1)


def test_a_spiral_is_one_part():
    mask = np.zeros((31, 31), bool)
    top, left, bottom, right = 0, 0, 30, 30
    while top < bottom:
        mask[top, left : right + 1] = mask[top : bottom + 1, right] = mask[bottom, left : right + 1] = True
        mask[top + 2 : bottom + 1, left] = True
        mask[top + 2, left : left + 2] = True
        top, left, bottom, right = top + 2, left + 2, bottom - 2, right - 2
    assert connected_runs(mask).labels.max() == 0


def test_nothing_is_found_in_nothing():
    found = find_lines(np.zeros((9, 9)), threshold=0.3, least_score=0.5)
    assert found.corners.shape == (0, 4, 2)
    assert found.scores.shape == (0,)


@pytest.mark.parametrize("degrees", [0, 3, -8, 25, -40])
def test_lines_come_out_as_they_went_in(degrees):
    lines = np.stack([rectangle(30, 50, 80, 12, degrees), rectangle(60, 85, 40, 9, degrees)])
    text, _, _ = target_maps(lines, (160, 160))
    found = find_lines(text * 0.9, threshold=0.3, least_score=0.6)
    assert len(found.scores) == 2
    assert found.scores == pytest.approx([0.9, 0.9])
    for line in lines:
        nearest = found.corners[np.abs(found.corners - line).sum(axis=(1, 2)).argmin()]
        assert np.abs(nearest - line).max() < 2


def test_faint_and_tiny_parts_are_left_out():
    map_ = np.zeros((20, 40))
    map_[4:8, 4:20] = 0.5
    map_[12, 30:33] = 1.0
    assert len(find_lines(map_, threshold=0.3, least_score=0.6).scores) == 0
    assert len(find_lines(map_, threshold=0.3, least_score=0.4).scores) == 1


def test_a_grown_core_is_the_line_that_it_is_the_core_of():
    width, height = 50.0, 10.0
    distance = shrink_distance(width * height, 2 * (width + height))
    assert distance == pytest.approx(500 * (1 - SHRINK**2) / 120)
    low, high = grown(np.array([[distance, distance]]), np.array([[width - distance, height - distance]]))
    assert low == pytest.approx(np.zeros((1, 2)), abs=1e-6)
    assert high == pytest.approx(np.array([[width, height]]), abs=1e-6)


@pytest.mark.parametrize("degrees", [0, 33])
def test_edges_are_moved_outwards(degrees):
    line = rectangle(0, 0, 10, 4, degrees)
    moved = offset(line, 1.0)
    assert moved == pytest.approx(rectangle(0, 0, 12, 6, degrees) + (moved[0] - line[0]))
    assert (area(moved), perimeter(moved)) == pytest.approx((72, 36))
    assert offset(moved, -1.0) == pytest.approx(line)


def test_thresholds_are_highest_at_edges_and_count_near_them():
    text, thresholds, counted = target_maps(rectangle(20, 20, 60, 20)[None], (60, 100))
    assert text[30, 50] == 1
    assert text[20, 50] == text[2, 2] == 0
    assert thresholds.min() == pytest.approx(LOW)
    assert thresholds[20, 50] == pytest.approx(HIGH, abs=0.08)
    assert thresholds[30, 50] == pytest.approx(LOW)
    assert counted[20, 50] == 1
    assert counted[2, 2] == 0


def test_scores_by_hand():
    true = np.stack([rectangle(0, 0, 10, 10), rectangle(20, 0, 10, 10)])
    found = np.stack([rectangle(0, 0, 10, 9), rectangle(1, 0, 10, 10), rectangle(50, 0, 10, 10)])
    assert bounding_boxes(found)[0].tolist() == [0, 0, 10, 9]
    scores = line_scores([(found, true), (np.zeros((0, 4, 2)), true[:1])])
    assert scores == pytest.approx({"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3})
