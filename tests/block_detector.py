"""A detector of blocks of one colour, for tests of trackers, and a film of such blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from seetell.errors import PhotoError
from seetell.results import Region, Regions


class BlockDetector:
    """Finds white blocks, as persons, and grey ones, as dogs; fails where the first pixel is 7."""

    threshold, labels, name = 0.4, ("person", "dog"), "blocks"

    def predict_many(self, images: Iterable[np.ndarray], *, threshold: float, top: int) -> Iterator[object]:
        images = iter(images)
        while True:
            batch = [*itertools.islice(images, 3)]  # reads ahead, as detectors do
            if not batch:
                return
            yield from map(self._found, batch)

    @staticmethod
    def _found(image: np.ndarray) -> object:
        if image[0, 0, 0] == 7:
            return PhotoError("not enough memory for it")
        regions = []
        for value, label in ((255, "person"), (128, "dog")):
            y, x = np.nonzero(abs(image[..., 0].astype(int) - value) < 30)
            if len(x):
                box = (float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1))
                regions.append(Region(label, box, 0.8))
        return Regions(tuple(regions), (image.shape[1], image.shape[0]), "blocks")


def moving_blocks() -> list[np.ndarray]:
    """Return 20 frames in which a person goes to the right, and a dog to the left."""
    images = []
    for number in range(20):
        image = np.zeros((60, 120, 3), np.uint8)
        image[10:30, 2 * number : 2 * number + 12] = 255
        image[40:52, 90 - 2 * number : 108 - 2 * number] = 128
        images.append(image)
    return images
