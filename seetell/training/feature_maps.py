"""The encoder's feature maps of photos, from a cache or from the photos' pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.nn.backbones import Encoder
from seetell.photos import open_photo

SPREAD_BATCH = 10
"""Photos that are read at once where maps are measured."""


class FeatureMapCache:
    """The encoder's feature maps of photos.

    Args:
        cache: holds every photo below.
        photos: files, by position.
        shapes: ``(C_s, h, w)`` of the maps of a record, in their order.
        read: the places of those that are wanted; all when absent.
    """

    def __init__(
        self,
        cache: FeatureCache,
        photos: Sequence[Path],
        shapes: Sequence[tuple[int, int, int]],
        *,
        read: Sequence[int] | None = None,
    ) -> None:
        self._records, self._rows = cache.open(), cache.rows(photos)
        ends = np.cumsum([math.prod(shape) for shape in shapes]).tolist()
        chosen = range(len(shapes)) if read is None else read
        self._parts = [(slice(([0, *ends])[place], ends[place]), shapes[place]) for place in chosen]

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, photos: np.ndarray, mirrored: np.ndarray | None = None) -> list[Tensor]:
        """Return the maps of some photos, ``(B, C_s, h, w)`` float32 per stride.

        Args:
            photos: ``(B,)`` positions.
            mirrored: ``(B,)``, whether to mirror a photo's maps, whose cells stay at multiples of the stride.
        """
        rows = self._rows[photos]
        maps = [
            torch.from_numpy(self._records[rows, 0, part].astype(np.float32)).reshape(-1, *shape)
            for part, shape in self._parts
        ]
        if mirrored is not None:
            for activation in maps:
                activation[mirrored] = activation[mirrored].flip(3)
        return maps


class MapSource(Protocol):
    """Gives feature maps of some photos."""

    def read(self, photos: np.ndarray, mirrored: np.ndarray | None = None) -> list[Tensor]:
        """Read what the maps of photos ``(B,)``, perhaps mirrored, are computed from; may run in a thread."""

    def maps(self, inputs: list[Tensor]) -> list[Tensor]:
        """Return maps ``(B, C_s, h, w)`` per stride of what was read, on the device that it is moved to."""


class CachedMaps:
    """Maps from a cache.

    Args:
        cache: holds the photos.
    """

    def __init__(self, cache: FeatureMapCache) -> None:
        self._cache = cache

    def read(self, photos: np.ndarray, mirrored: np.ndarray | None = None) -> list[Tensor]:
        """Read the maps."""
        return self._cache.read(photos, mirrored)

    def maps(self, inputs: list[Tensor]) -> list[Tensor]:
        """Return them."""
        return inputs


class PixelMaps:
    """Maps from the encoder with its current weights; gradients reach those that require them.

    Args:
        encoder: runs on every batch.
        photos: files, by position.
        strides: of the maps.
    """

    def __init__(self, encoder: Encoder, photos: Sequence[Path], strides: Sequence[int]) -> None:
        self._encoder, self._photos, self._strides = encoder, photos, tuple(strides)

    def read(self, photos: np.ndarray, mirrored: np.ndarray | None = None) -> list[Tensor]:
        """Open photos, ``(B, 3, H, W)``."""
        size = self._encoder.preprocessing
        opened = (open_photo(self._photos[place], at_least=(size.width, size.height)) for place in photos)
        pixels = torch.from_numpy(np.stack([size(photo) for photo in opened]))
        if mirrored is not None:
            pixels[mirrored] = pixels[mirrored].flip(3)
        return [pixels]

    def maps(self, inputs: list[Tensor]) -> list[Tensor]:
        """Encode pixels."""
        images = inputs[0].contiguous(memory_format=torch.channels_last)
        found = self._encoder.feature_maps(images, self._strides)
        return [found[stride] for stride in self._strides]


class Pixels(PixelMaps):
    """The pixels themselves stand for maps; for what encodes parts of images itself."""

    def maps(self, inputs: list[Tensor]) -> list[Tensor]:
        """Return the pixels, ``(B, 3, H, W)``."""
        return inputs


def spread_maps(source: MapSource, count: int, *, most: int, device: torch.device) -> list[Tensor]:
    """Return maps ``(B, C_s, h, w)`` per stride of up to ``most`` of ``count`` photos, spread over all."""
    chosen = np.linspace(0, count - 1, min(most, count)).astype(np.int64)
    with torch.no_grad():
        parts = [
            source.maps([each.to(device) for each in source.read(chosen[start : start + SPREAD_BATCH])])
            for start in range(0, len(chosen), SPREAD_BATCH)
        ]
    return [torch.cat(maps) for maps in zip(*parts, strict=True)]


def map_shapes(encoder: Encoder, strides: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return ``(C_s, h, w)`` of an encoder's feature maps of one photo."""
    size = encoder.preprocessing
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        maps = encoder.feature_maps(torch.zeros(1, 3, size.height, size.width, device=device), strides)
    return [(maps[stride].shape[1], maps[stride].shape[2], maps[stride].shape[3]) for stride in strides]
