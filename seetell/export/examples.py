"""Images of a run's data set: some to calibrate quantisation on, others to compare graphs with torch on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seetell.data.records import PhotoRecord
from seetell.errors import BundleError, PhotoError
from seetell.photos import Preprocessing
from seetell.training.batches import photo_pixels

CALIBRATION_IMAGES, COMPARISON_IMAGES = 128, 32


@dataclass(frozen=True)
class Examples:
    """Images of a data set, opened when first asked for.

    Attributes:
        train: training photos, to calibrate on.
        val: validation photos, to compare on; where there are fewer than two, training photos are.
        preprocessing: the encoder's.
    """

    train: Sequence[PhotoRecord]
    val: Sequence[PhotoRecord]
    preprocessing: Preprocessing

    @property
    def compared(self) -> Sequence[PhotoRecord]:
        """The photos that :attr:`comparison` is sampled from."""
        return self.val if len(self.val) > 1 else self.train

    @cached_property
    def calibration(self) -> np.ndarray:
        """Preprocessed training images, ``(N, 3, H, W)``; see :func:`sample_images` for errors."""
        return sample_images(self.preprocessing, self.train, CALIBRATION_IMAGES)

    @cached_property
    def comparison(self) -> np.ndarray:
        """Preprocessed images to compare on, ``(N, 3, H, W)``; see :func:`sample_images` for errors."""
        return sample_images(self.preprocessing, self.compared, COMPARISON_IMAGES)


def sample_images(preprocessing: Preprocessing, photos: Sequence[PhotoRecord], count: int) -> np.ndarray:
    """Open photos evenly spread over a data set; unreadable ones are skipped.

    Args:
        preprocessing: of the encoder.
        photos: to choose from.
        count: the most to open.

    Returns:
        ``(N, 3, H, W)`` float32, ``N`` at most ``count``.

    Raises:
        BundleError: fewer than two are left.
    """
    images = []
    for photo in photos[:: max(1, len(photos) // count)][:count]:
        try:
            images.append(photo_pixels(photo, preprocessing))
        except PhotoError:
            continue
    if len(images) < 2:
        raise BundleError("exporting needs at least two readable photos of the run's data set to compare with torch")
    return np.stack(images)
