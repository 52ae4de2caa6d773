from __future__ import annotations

import numpy as np
import pytest

from seetell.photos.boxes import area, contains, enclosing, iou


def test_areas_and_crossed_edges():
    boxes = np.array([[0, 0, 4, 3], [1, 1, 1, 9], [5, 5, 2, 9], [-2, -1, 0, 1]], float)
    assert area(boxes).tolist() == [12, 0, 0, 4]
    assert area(np.zeros((0, 4))).shape == (0,)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3),  # 2 of 6
        ((0, 0, 10, 10), (0, 0, 5, 5), 1 / 4),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0),  # they share an edge only
        ((0, 0, 1, 1), (5, 5, 9, 9), 0),
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),
    ],
)
def test_overlap(one: tuple[float, ...], other: tuple[float, ...], overlap: float):
    pair = np.array([one, other], float)
    assert iou(pair[0], pair[1]) == pytest.approx(overlap)
    assert iou(pair[1], pair[0]) == pytest.approx(overlap)
    assert iou(10 * pair[0] * [1, 3, 1, 3], 10 * pair[1] * [1, 3, 1, 3]) == pytest.approx(overlap)


def test_each_with_each():
    ones = np.array([[0, 0, 2, 2], [0, 0, 4, 4]], float)
    others = np.array([[0, 0, 2, 2], [0, 0, 4, 2], [9, 9, 10, 10]], float)
    assert iou(ones[:, None], others).tolist() == [[1, 0.5, 0], [0.25, 0.5, 0]]
    assert iou(ones[:, None], others[:0]).shape == (2, 0)


def test_the_box_around_boxes():
    assert enclosing(np.array([[3, 1, 5, 9], [2, 4, 4, 5]], float)).tolist() == [2, 1, 5, 9]


def test_points_on_the_edge_are_inside():
    box = np.array([1, 2, 5, 6], float)
    points = np.array([[1, 2], [5, 6], [3, 4], [0.9, 4], [3, 6.1]], float)
    assert contains(box, points).tolist() == [True, True, True, False, False]
