"""Where targets will be: Kalman filters of constant velocity, all targets of a frame at once.

A box is four coordinates. Noise is independent in each of them, and velocities act on their own coordinate alone, so
that the covariance of the published filters of seven and eight dimensions always consists of blocks of a coordinate and
its velocity. The filters here keep these blocks, and compute what the published ones compute.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Motion(ABC):
    """The state of ``T`` targets.

    Attributes:
        place: the four coordinates of each box, ``(T, 4)``.
        velocity: their change in a frame, ``(T, 4)``.
        place_variance: ``(T, 4)``.
        shared: covariance of place and velocity, ``(T, 4)``.
        velocity_variance: ``(T, 4)``.
    """

    def __init__(self) -> None:
        self.place, self.velocity, self.place_variance, self.shared, self.velocity_variance = (
            np.empty((0, 4)) for _ in range(5)
        )

    def __len__(self) -> int:
        return len(self.place)

    @property
    def boxes(self) -> np.ndarray:
        """Where the targets are expected, ``xyxy``, ``(T, 4)``."""
        return self._boxes(self.place)

    def begin(self, boxes: np.ndarray) -> None:
        """Add targets, at rest, at boxes ``(N, 4)``."""
        place = self._coordinates(boxes)
        place_deviation, velocity_deviation = self._begins(place)
        self.place = np.concatenate([self.place, place])
        self.velocity = np.concatenate([self.velocity, np.zeros_like(place)])
        self.place_variance = np.concatenate([self.place_variance, place_deviation**2])
        self.shared = np.concatenate([self.shared, np.zeros_like(place)])
        self.velocity_variance = np.concatenate([self.velocity_variance, velocity_deviation**2])

    def keep(self, rows: np.ndarray) -> None:
        """Keep some targets: indices, or a mask ``(T,)``."""
        self.place, self.velocity, self.place_variance, self.shared, self.velocity_variance = (
            part[rows] for part in (self.place, self.velocity, self.place_variance, self.shared, self.velocity_variance)
        )

    def predict(self) -> None:
        """Go on by one frame."""
        place_deviation, velocity_deviation = self._moves(self.place)
        self.place = self.place + self.velocity
        self.place_variance = self.place_variance + 2 * self.shared + self.velocity_variance + place_deviation**2
        self.shared = self.shared + self.velocity_variance
        self.velocity_variance = self.velocity_variance + velocity_deviation**2

    def update(self, rows: np.ndarray, boxes: np.ndarray) -> None:
        """Correct targets by the boxes at which they were seen.

        Args:
            rows: indices of the targets, ``(K,)``.
            boxes: ``(K, 4)``.
        """
        if not len(rows):
            return
        spread, shared = self.place_variance[rows], self.shared[rows]
        innovation = spread + self._measures(self.place[rows]) ** 2
        gain, velocity_gain = spread / innovation, shared / innovation
        surprise = self._coordinates(boxes) - self.place[rows]
        self.place[rows] += gain * surprise
        self.velocity[rows] += velocity_gain * surprise
        self.velocity_variance[rows] -= velocity_gain * shared
        self.shared[rows] = (1 - gain) * shared
        self.place_variance[rows] = (1 - gain) * spread

    def distances(self, boxes: np.ndarray) -> np.ndarray:
        """Return the squared Mahalanobis distances of boxes ``(N, 4)`` from where targets are expected, ``(T, N)``."""
        innovation = self.place_variance + self._measures(self.place) ** 2
        surprise = self._coordinates(boxes)[None] - self.place[:, None]
        distances: np.ndarray = (surprise**2 / innovation[:, None]).sum(axis=2)
        return distances

    @staticmethod
    @abstractmethod
    def _coordinates(boxes: np.ndarray) -> np.ndarray:
        """Return the coordinates of boxes, ``(N, 4)``."""

    @staticmethod
    @abstractmethod
    def _boxes(place: np.ndarray) -> np.ndarray:
        """Return the boxes of coordinates, ``(T, 4)``."""

    @abstractmethod
    def _begins(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the deviations of place and velocity of new targets, both ``(T, 4)``."""

    @abstractmethod
    def _moves(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the deviations that a frame adds to place and velocity, both broadcast to ``(T, 4)``."""

    @abstractmethod
    def _measures(self, place: np.ndarray) -> np.ndarray:
        """Return the deviations of measured coordinates, broadcast to ``(T, 4)``."""


class AreaMotion(Motion):
    """Centre, area and aspect ratio of a box, the ratio without a velocity.

    Bewley et al., "Simple Online and Realtime Tracking", ICIP 2016: x = [u, v, s, r, u̇, v̇, ṡ] (Eq. 1), with the noise
    of the authors' program. A box that would shrink to nothing keeps its area.
    """

    def predict(self) -> None:
        """Go on by one frame; see :meth:`Motion.predict`."""
        self.velocity[self.place[:, 2] + self.velocity[:, 2] <= 0, 2] = 0.0
        super().predict()

    @staticmethod
    def _coordinates(boxes: np.ndarray) -> np.ndarray:
        sides = boxes[:, 2:] - boxes[:, :2]
        area, ratio = sides[:, 0] * sides[:, 1], sides[:, 0] / sides[:, 1]
        return np.column_stack([boxes[:, :2] + sides / 2, area, ratio])

    @staticmethod
    def _boxes(place: np.ndarray) -> np.ndarray:
        width = np.sqrt(np.maximum(place[:, 2] * place[:, 3], 1e-6))  # a ratio may become negative
        half = np.column_stack([width, place[:, 2] / width]) / 2
        return np.concatenate([place[:, :2] - half, place[:, :2] + half], axis=1)

    def _begins(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full_like(place, np.sqrt(10.0)), np.broadcast_to([100.0, 100.0, 100.0, 0.0], place.shape)

    def _moves(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ones(4), np.array([0.1, 0.1, 0.01, 0.0])

    def _measures(self, place: np.ndarray) -> np.ndarray:
        return np.sqrt([1.0, 1.0, 10.0, 10.0])


class HeightMotion(Motion):
    """Centre, aspect ratio and height of a box, with noise in proportion to its height.

    Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric", ICIP 2017, section 2.1: (u, v,
    γ, h) and their velocities, with the noise of the authors' program; ByteTrack has it too.
    """

    PLACE, VELOCITY = 1 / 20, 1 / 160
    """Deviations in heights of the box."""

    @staticmethod
    def _coordinates(boxes: np.ndarray) -> np.ndarray:
        sides = boxes[:, 2:] - boxes[:, :2]
        return np.column_stack([boxes[:, :2] + sides / 2, sides[:, 0] / sides[:, 1], sides[:, 1]])

    @staticmethod
    def _boxes(place: np.ndarray) -> np.ndarray:
        half = np.column_stack([place[:, 2] * place[:, 3], place[:, 3]]) / 2
        return np.concatenate([place[:, :2] - half, place[:, :2] + half], axis=1)

    def _begins(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._scaled(place, 2 * self.PLACE, 1e-2), self._scaled(place, 10 * self.VELOCITY, 1e-5)

    def _moves(self, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._scaled(place, self.PLACE, 1e-2), self._scaled(place, self.VELOCITY, 1e-5)

    def _measures(self, place: np.ndarray) -> np.ndarray:
        return self._scaled(place, self.PLACE, 1e-1)

    @staticmethod
    def _scaled(place: np.ndarray, heights: float, ratio: float) -> np.ndarray:
        """Return deviations of so many heights, but for the ratio, ``(T, 4)``."""
        deviations = np.repeat(heights * place[:, 3:], 4, axis=1)
        deviations[:, 2] = ratio
        return deviations
