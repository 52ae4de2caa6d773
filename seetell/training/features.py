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
from seetell.training.augmentation import UNCHANGED, Augmentation, AugmentationConfig, colour_components
from seetell.training.batches import BatchIndices, cropped, photo_pixels, training_pixels

KEPT_BYTES = 256 * 2**20
"""Photos that take no more than this at the encoder's size are kept in memory, as small ones do."""

COLOUR_PHOTOS = 1000
"""From about this many photos the principal components of colours are computed."""


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


def read_features(encoder: Encoder) -> Callable[[Tensor], Features]:
    """Return a function that reads cached records; where the encoder has an adapter, that runs on them."""
    if encoder.unadapted is encoder:
        return unpack_features
    device = next(encoder.parameters()).device
    return lambda records: encoder.adapt(unpack_features(records.to(device)))


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
        photos: by position. Small ones are opened once and kept, see :data:`KEPT_BYTES`.
        crop: train on random crops.
        augmentation: further changes to training photos.
    """

    def __init__(
        self,
        encoder: Encoder,
        photos: Sequence[PhotoRecord],
        *,
        crop: bool,
        augmentation: AugmentationConfig = UNCHANGED,
    ) -> None:
        self._encoder, self._photos, self._crop = encoder, photos, crop
        self._kept: dict[int, np.ndarray] = {}
        size = encoder.preprocessing
        self._keeps = len(photos) * size.height * size.width * 3 <= KEPT_BYTES
        self._augment = self._augmentation(augmentation) if augmentation.any else None

    def _augmentation(self, config: AugmentationConfig) -> Augmentation:
        size, components = self._encoder.preprocessing, None
        if config.colour:
            chosen = range(0, len(self._photos), -(-len(self._photos) // COLOUR_PHOTOS))
            components = colour_components(np.concatenate([self._pixels(place).reshape(-1, 3) for place in chosen]))
        return Augmentation(config, mean=size.mean, std=size.std, components=components)

    def _pixels(self, place: int) -> np.ndarray:
        """Return a photo as it is before it is cropped, ``(H, W, 3)`` uint8."""
        if place in self._kept:
            return self._kept[place]
        pixels = training_pixels(self._photos[place], self._encoder.preprocessing, crop=self._crop)
        if self._keeps:
            self._kept[place] = pixels
        return pixels

    def prepare(self, indices: BatchIndices) -> Tensor:
        """Open a training batch's photos, ``(B, 3, H, W)``."""
        size = self._encoder.preprocessing
        chosen = zip(indices.photos, indices.offsets, indices.mirrored, strict=True)
        pixels = np.stack(
            [
                cropped(self._pixels(int(photo)), size, offset=at, mirrored=bool(mirrored))
                for photo, at, mirrored in chosen
            ]
        )
        if self._augment is not None:
            return self._augment(pixels, indices.seeds)
        return torch.from_numpy(size.normalise(pixels))

    def features(self, prepared: Tensor, /) -> Features:
        """Encode a prepared batch; gradients reach parameters that require them."""
        features: Features = self._encoder(prepared.contiguous(memory_format=torch.channels_last))
        return features

    def _as_predicted(self, place: int) -> np.ndarray:
        """Return a photo as the encoder reads it at prediction, ``(3, H, W)``."""
        size = self._encoder.preprocessing
        if self._crop:  # what is kept is larger
            return photo_pixels(self._photos[place], size)
        return size.normalise(self._pixels(place))

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos as at prediction, in order and without gradients."""
        device = next(self._encoder.parameters()).device

        def load(start: int) -> Tensor:
            places = range(start, min(start + batch_size, len(self._photos)))
            return torch.from_numpy(np.stack([self._as_predicted(place) for place in places]))

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
