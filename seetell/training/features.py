"""Where a run's features come from: the cache while the encoder is frozen, the photos' pixels otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from seetell.backbones import Encoder, Features
from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.training.batches import Draw, cropped_pixels, photo_pixels


def encode(encoder: Encoder, images: Tensor) -> Features:
    """Encode ``(B, 3, H, W)`` without gradients, on the encoder's device."""
    encoder.eval()
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        return encoder(images.to(device, memory_format=torch.channels_last))  # type: ignore[no-any-return]


class CachedFeatures:
    """Features computed once. The encoder is frozen, so a photo has two views: itself and its mirror image.

    Args:
        cache: holds every photo below.
        photos: that features are asked of, by position.
        with_grid: hand on the grid too.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[PhotoRecord], *, with_grid: bool) -> None:
        self._records = cache.open()  # (N, views, 1 + L, D)
        self._rows = cache.rows([photo.path for photo in photos])
        self._with_grid = with_grid

    def prepare(self, drawn: Draw) -> Tensor:
        """Gather a training batch, ``(B, 1 + L, D)``, or ``(B, 1, D)`` without the grid."""
        parts = slice(None) if self._with_grid else slice(1)
        views = drawn.mirrored.astype(np.int64)
        return torch.from_numpy(self._records[self._rows[drawn.photos], views, parts].astype(np.float32))

    def features(self, prepared: Tensor) -> Features:
        """Split a prepared batch into pooled ``(B, D)`` and grid ``(B, L, D)``."""
        return Features(pooled=prepared[:, 0], grid=prepared[:, 1:] if self._with_grid else None)

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos, unmirrored, in order."""
        for start in range(0, len(self._rows), batch_size):
            photos = np.arange(start, min(start + batch_size, len(self._rows)))
            plain = Draw(photos, photos[:, None], np.zeros(len(photos), bool), np.zeros((len(photos), 2)))
            yield self.features(self.prepare(plain))


class PixelFeatures:
    """Features from the encoder as it is now, trained or not.

    Args:
        encoder: runs on every batch.
        photos: that features are asked of, by position.
        crop: train on random crops.
    """

    def __init__(self, encoder: Encoder, photos: Sequence[PhotoRecord], *, crop: bool) -> None:
        self._encoder, self._photos, self._crop = encoder, photos, crop

    def prepare(self, drawn: Draw) -> Tensor:
        """Open a training batch's photos, ``(B, 3, H, W)``."""
        images = [
            cropped_pixels(
                self._photos[photo], self._encoder.preprocessing, offset=offset, mirrored=mirrored, crop=self._crop
            )
            for photo, offset, mirrored in zip(drawn.photos, drawn.offsets, drawn.mirrored, strict=True)
        ]
        return torch.from_numpy(np.stack(images))

    def features(self, prepared: Tensor) -> Features:
        """Encode a prepared batch; gradients flow where the encoder's parameters want them."""
        features: Features = self._encoder(prepared.contiguous(memory_format=torch.channels_last))
        return features

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos as at prediction, in order."""

        def load(start: int) -> Tensor:
            chosen = self._photos[start : start + batch_size]
            return torch.from_numpy(np.stack([photo_pixels(photo, self._encoder.preprocessing) for photo in chosen]))

        starts = range(0, len(self._photos), batch_size)
        with ThreadPoolExecutor(1) as reader:
            for images in reader.map(load, starts):
                yield encode(self._encoder, images)
