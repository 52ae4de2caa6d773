"""How large the object has become: a correlation filter along scales alone.

Danelljan, Häger, Shahbaz Khan & Felsberg, "Accurate Scale Estimation for Robust Visual Tracking" (DSST), BMVC 2014:
the object is cut out at sizes in geometric progression, each described by one long vector, and a filter along these is
trained so that its response is greatest at the size that was found (equations 3 to 6).

Letters: ``S`` scales, ``D`` length of a vector.
"""

from __future__ import annotations

import numpy as np

from seetell.tasks.single_object_tracking.filters.hog import hog
from seetell.tasks.single_object_tracking.patches import Pair, window_of

LEAST_SIDE, LARGEST_SHARE = 5.0, 1.0
"""Pixels that the object does not shrink below, and share of the frame's sides that it does not outgrow."""


class ScaleFilter:
    """The filter of one object.

    Args:
        count: scales that are compared, odd.
        step: ratio of one scale to the next smaller one.
        deviation: of the response that is wanted, as a share of the number of scales.
        rate: share of the newest frame in the filter.
        regularisation: ``λ``.
        area: pixels that the object is resized to, its aspect ratio kept.

    Attributes:
        scale: the object's size in relation to that of the first frame.
    """

    def __init__(
        self,
        *,
        count: int = 17,
        step: float = 1.03,
        deviation: float = 1 / 16,
        rate: float = 0.025,
        regularisation: float = 1e-2,
        area: int = 512,
    ) -> None:
        self._rate, self._regularisation, self._area = rate, regularisation, area
        places = np.arange(count) - count // 2
        self._factors = step ** places.astype(np.float64)
        wanted = np.exp(-(places**2) / (2 * (deviation * count) ** 2))
        self._wanted = np.fft.fft(wanted).astype(np.complex64)  # (S,)
        self._taper = np.hanning(count + 2)[1:-1].astype(np.float32)
        self._step = step

    def start(self, image: np.ndarray, centre: Pair, size: Pair) -> None:
        """Learn an object of a frame ``(H, W, 3)`` by its centre and size in pixels."""
        self.scale, self._size = 1.0, size
        zoom = min(1.0, (self._area / (size[0] * size[1])) ** 0.5)
        self._output = tuple(max(8, 4 * round(side * zoom / 4)) for side in size)
        height, width = image.shape[:2]
        self._least = max(LEAST_SIDE / min(size), 0.1)
        self._largest = max(1.0, LARGEST_SHARE * min(width / size[0], height / size[1]))
        self._least = min(self._least, 1.0)
        self._numerator, self._denominator = self._trained(image, centre)

    def find(self, image: np.ndarray, centre: Pair) -> float:
        """Find the object's scale in a frame, given its centre; and remember it."""
        samples = np.fft.fft(self._samples(image, centre), axis=1)  # (D, S)
        response = np.fft.ifft(
            (self._numerator.conj() * samples).sum(axis=0) / (self._denominator + self._regularisation)
        ).real
        best = int(response.argmax())
        self.scale = float(min(max(self.scale * self._factors[best], self._least), self._largest))
        return self.scale

    def learn(self, image: np.ndarray, centre: Pair) -> None:
        """Learn from a frame in which the object was found."""
        numerator, denominator = self._trained(image, centre)
        self._numerator = (1 - self._rate) * self._numerator + self._rate * numerator
        self._denominator = (1 - self._rate) * self._denominator + self._rate * denominator

    def _trained(self, image: np.ndarray, centre: Pair) -> tuple[np.ndarray, np.ndarray]:
        """Return numerator ``(D, S)`` and denominator ``(S,)`` of the filter of one frame."""
        samples = np.fft.fft(self._samples(image, centre), axis=1)
        return self._wanted.conj() * samples, (samples * samples.conj()).real.sum(axis=0)

    def _samples(self, image: np.ndarray, centre: Pair) -> np.ndarray:
        """Return what the object looks like at each scale, ``(D, S)`` float32."""
        sizes = [(self._size[0] * factor, self._size[1] * factor) for factor in self.scale * self._factors]
        windows = np.stack([window_of(image, centre, size, self._output) for size in sizes])
        described = hog(windows).reshape(len(sizes), -1).T
        tapered: np.ndarray = described * self._taper
        return tapered
