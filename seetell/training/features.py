"""Where a run's features come from: what frozen stages of the encoder made of the photos once, or their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.nn.backbones import Encoder, Features
from seetell.training.batches import Draw, cropped_pixels, photo_pixels


def encode(encoder: Encoder, images: Tensor) -> Features:
    """Encode ``(B, 3, H, W)`` without gradients, on the encoder's device."""
    encoder.eval()
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        return encoder(images.to(device, memory_format=torch.channels_last))  # type: ignore[no-any-return]


class CachedFeatures:
    """Features from a cache. A photo has two views there: itself and its mirror image.

    Args:
        cache: holds every photo below.
        photos: that features are asked of, by position.
        read: makes features of records ``(B, …)`` float32; see :func:`split_features`, :func:`late_features`.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[PhotoRecord], read: Callable[[Tensor], Features]) -> None:
        self._records = cache.open()
        self._rows = cache.rows([photo.path for photo in photos])
        self.features = read

    def prepare(self, drawn: Draw) -> Tensor:
        """Gather a training batch's records, ``(B, …)``."""
        views = drawn.mirrored.astype(np.int64)
        return torch.from_numpy(self._records[self._rows[drawn.photos], views].astype(np.float32))

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos, unmirrored, in order."""
        for start in range(0, len(self._rows), batch_size):
            records = self._records[self._rows[start : start + batch_size], 0]
            with torch.no_grad():
                yield self.features(torch.from_numpy(records.astype(np.float32)))


def split_features(records: Tensor) -> Features:
    """Read records ``(B, 1 + L, D)`` of :class:`~seetell.training.encoding.AllFeatures`."""
    return Features(pooled=records[:, 0], grid=records[:, 1:] if records.shape[1] > 1 else None)


def late_features(encoder: Encoder, *, frozen_stages: int) -> Callable[[Tensor], Features]:
    """Return what reads :class:`~seetell.training.encoding.Activations` ``(B, h, w, C)`` by the other stages."""
    device = next(encoder.parameters()).device
    return lambda records: encoder.forward_from_stage(
        records.to(device).permute(0, 3, 1, 2), frozen_stages=frozen_stages
    )


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
