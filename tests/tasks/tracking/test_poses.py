"""Numbers of persons by their poses, on figures that walk past each other."""

from __future__ import annotations

import numpy as np
import pytest

from seetell.metrics.key_points import sigmas_of
from seetell.tasks.tracking.poses import PoseTracker

NAMES = ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip", "left_ankle", "right_ankle")
FIGURE = np.array([[10, 0], [4, 12], [16, 12], [6, 30], [14, 30], [2, 60], [18, 60]], float)
SIGMAS = sigmas_of(NAMES)


def pose(x: float, *, mirrored: bool = False, stride: float = 0.0) -> np.ndarray:
    points = FIGURE + np.array([0, 40])
    points[5:, 0] += [-stride, stride]
    if mirrored:
        points[:, 0] = 20 - points[:, 0]
    points[:, 0] += x
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


def crossing(frame: int) -> np.ndarray:
    """Two figures, one from the left and one from the right, facing each other."""
    stride = 4 * np.sin(frame)
    return np.stack([pose(3.0 * frame, stride=stride), pose(90 - 3.0 * frame, mirrored=True, stride=stride)])


def test_people_who_pass_each_other_keep_their_numbers():
    tracker, random = PoseTracker(SIGMAS), np.random.default_rng(0)
    for frame in range(31):
        poses = crossing(frame)
        poses[..., :2] += random.normal(scale=0.5, size=poses[..., :2].shape)
        order = [1, 0] if frame % 2 else [0, 1]
        assert tracker.update(poses[order]).tolist() == [order[0] + 1, order[1] + 1], frame


def test_who_is_hidden_for_a_while_is_known_again_and_who_is_gone_is_not():
    tracker = PoseTracker(SIGMAS, patience=3)
    tracker.update(crossing(0))
    tracker.update(crossing(1))
    for frame in range(2, 5):
        assert tracker.update(crossing(frame)[:1]).tolist() == [1]
    assert tracker.update(crossing(5)).tolist() == [1, 2]
    for _ in range(4):
        assert tracker.update(np.empty((0, len(NAMES), 3))).size == 0
    assert tracker.update(crossing(9)).tolist() == [3, 4]


def test_points_that_are_not_there_do_not_count():
    tracker = PoseTracker(SIGMAS)
    whole = crossing(0)
    tracker.update(whole)
    half = crossing(1)
    half[0, 5:, 2] = 0
    half[0, 5:, :2] = 0
    assert tracker.update(half).tolist() == [1, 2]


@pytest.mark.parametrize("least", [0.3, 0.99])
def test_how_alike_poses_must_be(least: float):
    tracker = PoseTracker(SIGMAS, least=least)
    tracker.update(pose(0)[None])
    assert tracker.update(pose(4)[None]).tolist() == [1 if least < 0.9 else 2]
