from __future__ import annotations

import numpy as np
import pytest

from seetell.tasks.tracking.motion import AreaMotion, HeightMotion

BOXES = np.array([[10.0, 20.0, 30.0, 80.0], [100.0, 50.0, 160.0, 90.0]])


class Kalman:
    """The textbook's filter of one target, with whole matrices."""

    def __init__(self, state, covariance, transition, noise, measured, measurement_noise) -> None:
        self.state, self.covariance, self.transition, self.noise = state, covariance, transition, noise
        self.measured, self.measurement_noise = measured, measurement_noise

    def predict(self) -> None:
        self.state = self.transition @ self.state
        self.covariance = self.transition @ self.covariance @ self.transition.T + self.noise

    def update(self, measurement: np.ndarray) -> None:
        innovation = self.measured @ self.covariance @ self.measured.T + self.measurement_noise
        gain = self.covariance @ self.measured.T @ np.linalg.inv(innovation)
        self.state = self.state + gain @ (measurement - self.measured @ self.state)
        self.covariance = self.covariance - gain @ self.measured @ self.covariance


def area_coordinates(box: np.ndarray) -> np.ndarray:
    left, top, right, bottom = box
    return np.array(
        [(left + right) / 2, (top + bottom) / 2, (right - left) * (bottom - top), (right - left) / (bottom - top)]
    )


def sorts_filter(box: np.ndarray) -> Kalman:
    """Return the filter of seven dimensions with the noise of SORT's program."""
    transition = np.eye(7)
    transition[[0, 1, 2], [4, 5, 6]] = 1
    noise = np.diag([1, 1, 1, 1, 0.01, 0.01, 0.0001])
    covariance = np.diag([10.0] * 4 + [10_000.0] * 3)
    state = np.concatenate([area_coordinates(box), np.zeros(3)])
    return Kalman(state, covariance, transition, noise, np.eye(4, 7), np.diag([1.0, 1.0, 10.0, 10.0]))


def test_the_area_filter_is_sorts_of_seven_dimensions():
    rng = np.random.default_rng(0)
    motion, references = AreaMotion(), [sorts_filter(box) for box in BOXES]
    motion.begin(BOXES)
    seen = BOXES
    for step in range(8):
        motion.predict()
        seen = seen + np.tile(rng.normal(3, 1, (2, 2)), 2)
        rows = np.array([0, 1] if step % 3 else [1])
        motion.update(rows, seen[rows])
        for row, reference in enumerate(references):
            reference.predict()
            if row in rows:
                reference.update(area_coordinates(seen[row]))
            assert motion.place[row] == pytest.approx(reference.state[:4], abs=1e-8)
            assert motion.velocity[row, :3] == pytest.approx(reference.state[4:], abs=1e-8)
            assert motion.place_variance[row] == pytest.approx(np.diag(reference.covariance)[:4], abs=1e-8)


def test_the_height_filter_is_deepsorts_of_eight_dimensions():
    motion = HeightMotion()
    motion.begin(BOXES[:1])
    height = 60.0
    transition = np.eye(8)
    transition[range(4), range(4, 8)] = 1
    deviations = [height / 10, height / 10, 0.01, height / 10]
    covariance = np.diag(np.square([*deviations, height / 16, height / 16, 1e-5, height / 16]))
    state = np.array([20, 50, 1 / 3, height, 0, 0, 0, 0])

    def measurement_noise(tall: float) -> np.ndarray:
        return np.diag(np.square([tall / 20, tall / 20, 0.1, tall / 20]))

    reference = Kalman(state, covariance, transition, np.zeros((8, 8)), np.eye(4, 8), measurement_noise(height))
    for step in range(1, 6):
        tall = reference.state[3]
        parts = [tall / 20, tall / 20, 0.01, tall / 20, tall / 160, tall / 160, 1e-5, tall / 160]
        reference.noise = np.diag(np.square(parts))
        reference.predict()
        motion.predict()
        reference.measurement_noise = measurement_noise(reference.state[3])
        box = BOXES[0] + [2 * step, step, 2 * step + 1, step + 2]
        measured = np.array([*((box[:2] + box[2:]) / 2), (box[2] - box[0]) / (box[3] - box[1]), box[3] - box[1]])
        surprise = measured - reference.state[:4]
        innovation = reference.covariance[:4, :4] + reference.measurement_noise
        expected = surprise @ np.linalg.inv(innovation) @ surprise
        assert motion.distances(box[None])[0, 0] == pytest.approx(expected, abs=1e-9)
        reference.update(measured)
        motion.update(np.array([0]), box[None])
        assert motion.place[0] == pytest.approx(reference.state[:4], abs=1e-9)
        assert motion.velocity[0] == pytest.approx(reference.state[4:], abs=1e-9)


@pytest.mark.parametrize("kind", [AreaMotion, HeightMotion])
def test_boxes_are_kept_and_learn_to_move(kind: type[AreaMotion | HeightMotion]):
    motion = kind()
    assert motion.boxes.shape == (0, 4)
    motion.begin(BOXES)
    assert motion.boxes == pytest.approx(BOXES)
    for step in range(1, 10):
        motion.predict()
        motion.update(np.array([0, 1]), BOXES + 5 * step)
    motion.keep(np.array([False, True]))
    motion.predict()
    assert len(motion) == 1
    assert motion.boxes[0] == pytest.approx(BOXES[1] + 50, abs=1)


def test_a_box_that_would_shrink_to_nothing_stays():
    motion = AreaMotion()
    motion.begin(BOXES[:1])
    motion.velocity[0, 2] = -2000.0
    motion.predict()
    assert motion.boxes == pytest.approx(BOXES[:1])
