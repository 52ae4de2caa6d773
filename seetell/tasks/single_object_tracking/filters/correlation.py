"""What all correlation filters share: a window that moves and grows with the object, and the peak of the response.

A filter is trained so that its correlation with the window around the object is a small hill in the middle, and is then
correlated with the window of the next frame, at the same place: where the hill is now, there the object has gone.

Letters: ``C`` channels, ``h × w`` cells of the window.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from seetell.geometry.boxes import Box
from seetell.tasks.single_object_tracking.filters.scale_filter import ScaleFilter
from seetell.tasks.single_object_tracking.patches import Pair, box_around, window_of
from seetell.tasks.single_object_tracking.tracker import Located, ObjectTracker, check_box


class CorrelationTracker(ObjectTracker):
    """A tracker by a correlation filter; a paper's filter derives from it.

    Args:
        padding: how much larger the window is than the object: its sides are ``1 + padding`` times those of the box.
        side: pixels of the window's longer side after it is resized.
        cell: pixels of a cell; 1 for filters on pixels.
        rate: share of the newest frame in the filter, after the first one.
        square: whether the window is a square, of the area that its sides would have.
        scales: finds how large the object has become; ``None`` keeps its size.
        least_score: a frame in which the object is found with less is not learnt from, as when it is hidden.

    Attributes:
        centre: of the object, x and y in pixels of the frame.
        size: of the object, width and height in pixels of the frame.
    """

    def __init__(
        self,
        *,
        padding: float,
        side: int,
        cell: int,
        rate: float,
        square: bool = False,
        scales: ScaleFilter | None = None,
        least_score: float = 0.0,
    ) -> None:
        self._padding, self._side, self._cell, self._square = padding, side, cell, square
        self._rate, self._scales, self._least_score = rate, scales, least_score

    def start(self, image: np.ndarray, box: Box) -> Located:
        """Learn what to follow; see :meth:`ObjectTracker.start`."""
        left, upper, right, lower = check_box(box, image)
        self.centre: Pair = ((left + right) / 2, (upper + lower) / 2)
        self.size: Pair = (right - left, lower - upper)
        self._first_size, self._scale = self.size, 1.0
        width, height = ((1 + self._padding) * side for side in self.size)
        if self._square:
            width = height = (width * height) ** 0.5
        self._window = width, height
        zoom = self._side / max(width, height)
        self._cells = tuple(max(4, round(side * zoom / self._cell)) for side in (width, height))
        self._box_cells = tuple(
            side / whole * cells for side, whole, cells in zip(self.size, self._window, self._cells, strict=True)
        )
        self.prepare()
        if self._scales is not None:
            self._scales.start(image, self.centre, self.size)
        self.learn(self._features(image), 1.0)
        return Located((left, upper, right, lower), 1.0)

    def update(self, image: np.ndarray) -> Located:
        """Find the object; see :meth:`ObjectTracker.update`."""
        (dx, dy), score = self.locate(self._features(image))
        cell = tuple(side * self._scale / cells for side, cells in zip(self._window, self._cells, strict=True))
        height, width = image.shape[:2]
        self.centre = (
            min(max(self.centre[0] + dx * cell[0], 0.0), float(width)),
            min(max(self.centre[1] + dy * cell[1], 0.0), float(height)),
        )
        if self._scales is not None:
            self._scale = self._scales.find(image, self.centre)
            self.size = self._first_size[0] * self._scale, self._first_size[1] * self._scale
        if score >= self._least_score:
            if self._scales is not None:
                self._scales.learn(image, self.centre)
            self.learn(self._features(image), self._rate)
        return Located(box_around(self.centre, self.size), score)

    def pixels(self, image: np.ndarray) -> np.ndarray:
        """Return the window around the object, ``(h · cell, w · cell, 3)`` uint8."""
        size = self._window[0] * self._scale, self._window[1] * self._scale
        output = self._cells[0] * self._cell, self._cells[1] * self._cell
        return window_of(image, self.centre, size, output)

    def _features(self, image: np.ndarray) -> np.ndarray:
        return self.features(self.pixels(image))

    @abstractmethod
    def prepare(self) -> None:
        """Make what depends on the number of cells alone."""

    @abstractmethod
    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Return the features ``(C, h, w)`` float32 of a window."""

    @abstractmethod
    def learn(self, features: np.ndarray, rate: float) -> None:
        """Train the filter on the window around the object, with a weight from 0 to 1."""

    @abstractmethod
    def locate(self, features: np.ndarray) -> tuple[Pair, float]:
        """Return how far the object has moved across and down, in cells, and how sure that is, from 0 to 1."""


def transform(arrays: np.ndarray) -> np.ndarray:
    """Return the Fourier transform of real arrays ``(…, h, w)``, half of it: the other half is conjugate."""
    transformed: np.ndarray = np.fft.rfft2(arrays)
    return transformed


def restore(transformed: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the real arrays ``(…, h, w)`` of :func:`transform`."""
    arrays: np.ndarray = np.fft.irfft2(transformed, s=shape)
    return arrays


def gaussian_labels(rows: int, columns: int, deviation: float) -> np.ndarray:
    """Return the wanted response, ``(rows, columns)`` float32: 1 at the first cell, and less around it, cyclically."""
    down, across = (np.fft.fftfreq(cells, 1 / cells) for cells in (rows, columns))
    distances = down[:, None] ** 2 + across[None, :] ** 2
    labels: np.ndarray = np.exp(-distances / (2 * deviation**2)).astype(np.float32)
    return labels


def peak_of(response: np.ndarray) -> tuple[Pair, float]:
    """Return the place of the greatest value of a cyclic response, and that value.

    Args:
        response: ``(h, w)``, whose first cell stands for no movement.

    Returns:
        Across and down from the first cell, the shorter way round, to a fraction of a cell by the parabola through the
        neighbours; and the value.
    """
    rows, columns = response.shape
    row, column = np.unravel_index(int(response.argmax()), response.shape)
    best = float(response[row, column])
    dy = _vertex(float(response[row - 1, column]), best, float(response[(row + 1) % rows, column]))
    dx = _vertex(float(response[row, column - 1]), best, float(response[row, (column + 1) % columns]))
    y, x = float(row) + dy, float(column) + dx
    return (x - columns if x > columns / 2 else x, y - rows if y > rows / 2 else y), best


def _vertex(before: float, best: float, after: float) -> float:
    """Return where the parabola through three values at -1, 0 and 1 has its vertex, at most half a step away."""
    bend = 2 * best - before - after
    return 0.0 if bend <= 0 else max(-0.5, min(0.5, (after - before) / (2 * bend)))


def blended(old: np.ndarray, new: np.ndarray, rate: float) -> np.ndarray:
    """Return the mean of two arrays in which the new one has the weight ``rate``."""
    mean: np.ndarray = (1 - rate) * old + rate * new
    return mean
