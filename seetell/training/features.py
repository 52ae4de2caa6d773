"""Where a run's features come from: cached outputs of the encoder or of its frozen stages, or the photos' pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache, prefetch
from seetell.data.records import PhotoRecord
from seetell.nn.backbones import Encoder, Features, Tags
from seetell.training.batches import BatchIndices, cropped_pixels, photo_pixels


class FeatureSource(Protocol):
    """Gives the features of some photos, for training in batches and for validation in order."""

    def prepare(self, indices: BatchIndices) -> Any:
        """Read what the features of a training batch are computed from; runs in a thread.

        Returns:
            A tensor ``(B, …)``, or tensors that can be moved together by ``to(device)``.
        """

    def features(self, prepared: Any, /) -> Features:
        """Compute the features of a prepared batch."""

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos, unmirrored, in order and without gradients."""


class CachedFeatures:
    """Features from a cache, which holds two views of a photo: itself and its mirror image.

    Args:
        cache: holds every photo below.
        photos: by position.
        read: computes features from records ``(B, …)`` float32; see :func:`unpack_features`, :func:`finish_encoding`.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[PhotoRecord], read: Callable[[Tensor], Features]) -> None:
        self._records = cache.open()
        self._rows = cache.rows([photo.path for photo in photos])
        self._read = read

    def prepare(self, indices: BatchIndices) -> Tensor:
        """Read a training batch's records, ``(B, …)``."""
        views = indices.mirrored.astype(np.int64)
        return torch.from_numpy(self._records[self._rows[indices.photos], views].astype(np.float32))

    def features(self, prepared: Tensor, /) -> Features:
        """Compute the features of a prepared batch; gradients reach parameters that require them."""
        return self._read(prepared)

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos, unmirrored, in order and without gradients."""
        for start in range(0, len(self._rows), batch_size):
            records = self._records[self._rows[start : start + batch_size], 0]
            with torch.no_grad():
                features = self._read(torch.from_numpy(records.astype(np.float32)))
            yield features


def unpack_features(records: Tensor) -> Features:
    """Read records ``(B, 1 + L, D)`` of :class:`~seetell.training.encoding.AllFeatures`."""
    return Features(pooled=records[:, 0], grid=records[:, 1:] if records.shape[1] > 1 else None)


def finish_encoding(encoder: Encoder, *, frozen_stages: int) -> Callable[[Tensor], Features]:
    """Return a function that runs the other stages on :class:`~seetell.training.encoding.Activations`."""
    device = next(encoder.parameters()).device
    return lambda records: encoder.forward_from_stage(
        records.to(device).permute(0, 3, 1, 2), frozen_stages=frozen_stages
    )


class PixelFeatures:
    """Features from the encoder with its current weights.

    Args:
        encoder: runs on every batch.
        photos: by position.
        crop: train on random crops.
    """

    def __init__(self, encoder: Encoder, photos: Sequence[PhotoRecord], *, crop: bool) -> None:
        self._encoder, self._photos, self._crop = encoder, photos, crop

    def prepare(self, indices: BatchIndices) -> Tensor:
        """Open a training batch's photos, ``(B, 3, H, W)``."""
        images = [
            cropped_pixels(
                self._photos[photo], self._encoder.preprocessing, offset=offset, mirrored=mirrored, crop=self._crop
            )
            for photo, offset, mirrored in zip(indices.photos, indices.offsets, indices.mirrored, strict=True)
        ]
        return torch.from_numpy(np.stack(images))

    def features(self, prepared: Tensor, /) -> Features:
        """Encode a prepared batch; gradients reach parameters that require them."""
        features: Features = self._encoder(prepared.contiguous(memory_format=torch.channels_last))
        return features

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos as at prediction, in order and without gradients."""
        device = next(self._encoder.parameters()).device

        def load(start: int) -> Tensor:
            chosen = self._photos[start : start + batch_size]
            return torch.from_numpy(np.stack([photo_pixels(photo, self._encoder.preprocessing) for photo in chosen]))

        self._encoder.eval()
        for images in prefetch(range(0, len(self._photos), batch_size), load):
            with torch.inference_mode():
                features: Features = self._encoder(images.to(device, memory_format=torch.channels_last))
            yield features


def on_device(features: Features, device: torch.device) -> Features:
    """Return features on a device."""
    grid = None if features.grid is None else features.grid.to(device)
    tags = None if features.tags is None else Tags(*(part.to(device) for part in features.tags))
    return Features(features.pooled.to(device), grid, tags)
