from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.tracking.affinity import appearance_costs, combined_costs, iou_costs, of_other_kinds
from seetell.tasks.tracking.associate import cascade, match, match_then_reject


def test_pairs_that_cost_too_much_are_not_made():
    costs = np.array([[0.1, 0.6], [0.2, 0.9], [0.95, 0.3]])
    found = match(costs, most=0.7)
    assert (found.targets.tolist(), found.detections.tolist()) == ([0, 2], [0, 1])
    assert (found.lost.tolist(), found.new.tolist()) == ([1], [])


def test_sort_rejects_after_it_has_matched():
    costs = np.array([[0.5, 0.69], [0.55, 0.99]])  # at the least total cost 0 gets 1, and 1 gets 0
    assert match_then_reject(costs, most=0.7).detections.tolist() == [1, 0]
    costs[0, 1] = 0.75
    found = match_then_reject(costs, most=0.7)  # 0 gets 1, which costs too much
    assert (found.targets.tolist(), found.detections.tolist(), found.lost.tolist()) == ([1], [0], [0])
    assert match(costs, most=0.7).targets.tolist() == [0]
    clear = match_then_reject(np.array([[0.2, 0.9], [0.9, 0.9]]), most=0.7)
    assert (clear.targets.tolist(), clear.new.tolist()) == ([0], [1])


def test_targets_seen_lately_choose_first():
    costs = np.array([[0.1, np.inf], [0.2, np.inf]])
    asked = []

    def some(targets: np.ndarray, detections: np.ndarray) -> np.ndarray:
        asked.append((targets.tolist(), detections.tolist()))
        return costs[np.ix_(targets, detections)]

    found = cascade(some, np.array([3, 1]), 2, most=0.5)
    assert (found.targets.tolist(), found.detections.tolist(), found.new.tolist()) == ([1], [0], [1])
    assert asked == [([1], [0, 1]), ([0], [1])]


def test_costs():
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0] * 4])
    assert iou_costs(boxes, np.array([[5.0, 0.0, 15.0, 10.0]])) == pytest.approx(np.array([[2 / 3], [1]]))
    galleries = [np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.6, 0.8]])]
    features = np.array([[0.0, 1.0], [0.8, 0.6]])
    appearance = appearance_costs(galleries, features)
    assert appearance == pytest.approx(np.array([[0.0, 0.2], [0.2, 0.04]]))
    assert appearance_costs([], features).shape == (0, 2)
    distances = np.array([[1.0, 9.0], [10.0, 2.0]])
    combined = combined_costs(appearance, distances, weight=0.1, most=0.1)
    assert combined == pytest.approx(np.array([[0.1, np.inf], [np.inf, 0.236]]))
    assert of_other_kinds(np.array(["dog", "cat"]), np.array(["cat"])).tolist() == [[True], [False]]
