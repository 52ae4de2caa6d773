from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.geometry.boxes import (
    area,
    boxes_of,
    clipped,
    contains,
    enclosing,
    flip_boxes,
    in_pixels,
    intersection_over_smaller,
    iou,
    nms,
    nms_per_class,
    select_proposals,
)


def test_areas_and_crossed_edges():
    boxes = np.array([[0, 0, 4, 3], [1, 1, 1, 9], [5, 5, 2, 9], [-2, -1, 0, 1]], float)
    assert area(boxes).tolist() == [12, 0, 0, 4]
    assert area(np.zeros((0, 4))).shape == (0,)


def test_flipping_by_hand():
    assert flip_boxes(np.array([[[0.0, 4.0, 10.0, 20.0]]]), width=64).tolist() == [[[54.0, 4.0, 64.0, 20.0]]]
    np.testing.assert_allclose(flip_boxes(np.array([0.1, 0.2, 0.5, 0.6]), width=1), [0.5, 0.2, 0.9, 0.6])


@pytest.mark.parametrize(
    ("one", "other", "overlap", "nested"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1, 1),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3, 1 / 2),  # 2 of 6
        ((0, 0, 10, 10), (0, 0, 5, 5), 1 / 4, 1),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0, 0),  # they share an edge only
        ((0, 0, 1, 1), (5, 5, 9, 9), 0, 0),
        ((1, 1, 1, 1), (1, 1, 1, 1), 0, 0),
    ],
)
@pytest.mark.parametrize("measure", [iou, intersection_over_smaller])
def test_overlap(measure, one: tuple[float, ...], other: tuple[float, ...], overlap: float, nested: float):
    pair, expected = np.array([one, other], float), pytest.approx(overlap if measure is iou else nested)
    assert measure(pair[0], pair[1]) == expected
    assert measure(pair[1], pair[0]) == expected
    assert measure(10 * pair[0] * [1, 3, 1, 3], 10 * pair[1] * [1, 3, 1, 3]) == expected


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


def test_of_boxes_that_overlap_too_much_the_best_stays():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 6], [20, 20, 30, 30], [0, 6, 10, 10]])
    scores = np.array([0.9, 0.8, 0.95, 0.1, 0.9])
    # the third holds the second by 5/6 and the first by 6/10; the first is dropped, and with it the fifth is not
    assert nms(boxes, scores, iou_threshold=0.5, max_boxes=9).tolist() == [2, 4, 3]
    assert nms(boxes, scores, iou_threshold=0.6, max_boxes=9).tolist() == [2, 0, 4, 3]
    assert nms(boxes, scores, iou_threshold=0.6, max_boxes=2).tolist() == [2, 0]
    assert nms(boxes[:0], scores[:0], iou_threshold=0.5, max_boxes=9).tolist() == []


def test_boxes_suppress_only_those_of_their_class():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 0.9, 1], [0.5, 0.5, 0.5, 0.9]], np.float32)
    scores = np.array([[0.9, 0.0], [0.8, 0.7], [1.0, 1.0]], np.float32)  # the third has no area

    def kept(**changed: float) -> list[list[int]]:
        options = {"threshold": 0.5, "iou_threshold": 0.5, "max_boxes": 9, **changed}
        return [found.tolist() for found in nms_per_class(boxes, scores, **options)]

    assert kept() == [[0, 1], [0, 1]]
    assert kept(iou_threshold=0.95) == [[0, 1, 1], [0, 0, 1]]
    assert kept(max_boxes=1) == [[0], [0]]
    assert kept(threshold=0.95) == [[], []]


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
def test_nms_matches_torchvision(seed: int):
    torch = pytest.importorskip("torch")
    ops = pytest.importorskip("torchvision").ops
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 50, (30, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 40, (30, 2))], axis=1).astype(np.float32)
    scores = random.permutation(30).astype(np.float32)
    expected = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.5).tolist()
    assert nms(boxes, scores, iou_threshold=0.5, max_boxes=30).tolist() == expected


def test_boxes_without_an_area_suppress_none():
    boxes = np.array([[5, 5, 5, 9], [5, 5, 5, 9], [0, 0, 9, 9], [0, 0, 9, 8.5], [7, 7, 3, 3]], float)
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert nms(boxes, scores, iou_threshold=0.5, max_boxes=9).tolist() == [0, 1, 2, 4]


def test_a_box_for_each_class():
    boxes = np.array([[[0, 0, 10, 10], [20, 0, 30, 10]], [[0, 0, 10, 9], [40, 0, 40, 10]]], float)
    scores = np.array([[0.9, 0.6], [0.8, 0.7]])
    rows, classes = nms_per_class(boxes, scores, threshold=0.1, iou_threshold=0.5, max_boxes=9)
    # the second box of class 0 overlaps the first, that of class 1 has no area
    assert list(zip(rows.tolist(), classes.tolist(), strict=True)) == [(0, 0), (0, 1)]
    assert boxes_of(boxes, rows, classes).tolist() == [[0, 0, 10, 10], [20, 0, 30, 10]]
    assert boxes_of(boxes[:, 0], rows, classes).tolist() == [[0, 0, 10, 10]] * 2


def test_proposals_are_the_best_of_those_compared_that_have_an_area():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [5, 5, 5, 9], [20, 20, 30, 30], [50, 50, 60, 60]], float)
    logits = np.array([1.0, 3.0, 9.0, 2.0, 0.0])
    chosen = select_proposals(boxes, logits, compared=4, iou_threshold=0.7, max_boxes=9)
    assert chosen.tolist() == [1, 3]
    assert select_proposals(boxes, logits, compared=5, iou_threshold=1.0, max_boxes=3).tolist() == [1, 3, 0]


def test_boxes_in_shares_of_what_is_seen_are_placed_and_clipped():
    placed = in_pixels(np.array([[0, 0.5, 1, 1.5]], np.float32), visible=(10, 20, 30, 60))
    np.testing.assert_array_equal(placed, [[10, 40, 30, 80]])
    np.testing.assert_array_equal(clipped(placed, (25, 70)), [[10, 40, 25, 70]])
    np.testing.assert_array_equal(clipped(placed[0], (5, 30)), [5, 30, 5, 30])
