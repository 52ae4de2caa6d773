"""Filling feature caches: what a frozen encoder, or its first stages, make of every photo once.

ONNX Runtime runs the networks made for CPUs several times as fast as torch. Writing the graph takes seconds, so few
photos go through torch, and so does a network that cannot be written.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data.feature_cache import Encode, FeatureCache
from seetell.nn.backbones import Encoder, weights_hash
from seetell.nn.onnx_graph import onnx_graph
from seetell.photos import Preprocessing
from seetell.runtime.sessions import Graph

Progress = Callable[[int, int], None]

MANY_IMAGES = 500
"""From so many on, ONNX Runtime saves more than writing the graph takes: 7 to 11 s against 30 ms an image were
measured, with EfficientNet-Lite0 and one thread (``benchmarks/feature_extraction.py``)."""

TOLERANCE = 1e-3
"""Largest difference between ONNX Runtime and torch, as a share of the greatest feature. The cache's 16 bits round by
half of that."""


class AllFeatures(nn.Module):
    """All an encoder says: records ``(B, 1 + L, D)``, the pooled vector first; ``(B, 1, D)`` without the grid."""

    def __init__(self, encoder: Encoder, *, with_grid: bool) -> None:
        super().__init__()
        self.encoder, self.with_grid = encoder, with_grid

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``(B, 3, H, W)``."""
        pooled, grid = self.encoder(images)
        return torch.cat([pooled[:, None], grid], dim=1) if self.with_grid else pooled[:, None]


class Activations(nn.Module):
    """What an encoder's first stages make: records ``(B, h, w, C)``."""

    def __init__(self, early: nn.Module) -> None:
        super().__init__()
        self.stages = early

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``(B, 3, H, W)``."""
        activation: Tensor = self.stages(images)
        return activation.permute(0, 2, 3, 1)


class PyramidRecords(nn.Module):
    """Some maps of an encoder's pyramid, one after the other: records ``(B, Σ C_s·h_s·w_s)``.

    Args:
        encoder: publishes its stages.
        strides: of the maps, in pixels.
    """

    def __init__(self, encoder: Encoder, strides: Sequence[int]) -> None:
        super().__init__()
        self.encoder, self.strides = encoder, tuple(strides)

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``(B, 3, H, W)``."""
        maps = self.encoder.feature_maps(images, self.strides)
        return torch.cat([maps[stride].flatten(1) for stride in self.strides], dim=1)


def features_cache(
    folder: str, encoder: Encoder, photos: Sequence[Path], *, with_grid: bool, flips: bool, progress: Progress
) -> tuple[FeatureCache, dict[Path, str]]:
    """Cache all an encoder says of photos; see :class:`AllFeatures`.

    Args:
        folder: where caches live.
        encoder: in evaluation mode.
        photos: files; those that are cached already stay.
        with_grid: keep the grid too.
        flips: and the features of the mirrored photos.
        progress: told how many of how many photos are encoded.

    Returns:
        The cache; the photos that could not be opened, and why.
    """
    parts = 1 + with_grid * math.prod(encoder.grid_size)
    cache = FeatureCache(
        folder,
        weights_hash=weights_hash(encoder),
        preprocessing=encoder.preprocessing,
        shape=(parts, encoder.channels),
        flips=flips,
    )
    module = AllFeatures(encoder, with_grid=with_grid).eval()
    return cache, _fill(cache, module, photos, progress, name=encoder.name)


def activations_cache(
    folder: str, encoder: Encoder, photos: Sequence[Path], *, frozen_stages: int, flips: bool, progress: Progress
) -> tuple[FeatureCache, dict[Path, str]]:
    """Cache what an encoder's first stages make of photos; see :class:`Activations` and :func:`features_cache`."""
    early = encoder.first_stages(frozen_stages)
    module = Activations(early).eval()
    size = encoder.preprocessing
    shape = in_torch(module)(np.zeros((1, 3, size.height, size.width), np.float32)).shape[1:]
    cache = FeatureCache(folder, weights_hash=weights_hash(early), preprocessing=size, shape=shape, flips=flips)
    return cache, _fill(cache, module, photos, progress, name=encoder.name)


def pyramid_cache(
    folder: str, encoder: Encoder, photos: Sequence[Path], *, strides: Sequence[int], progress: Progress
) -> tuple[FeatureCache, dict[Path, str]]:
    """Cache some maps of an encoder's pyramid; see :class:`PyramidRecords` and :func:`features_cache`."""
    module = PyramidRecords(encoder, strides).eval()
    size = encoder.preprocessing
    shape = in_torch(module)(np.zeros((1, 3, size.height, size.width), np.float32)).shape[1:]
    cache = FeatureCache(folder, weights_hash=weights_hash(encoder), preprocessing=size, shape=shape)
    return cache, _fill(cache, module, photos, progress, name=encoder.name)


def _fill(
    cache: FeatureCache, module: nn.Module, photos: Sequence[Path], progress: Progress, *, name: str
) -> dict[Path, str]:
    views = cache.shape[0]
    images = views * sum(photo not in cache for photo in photos)
    encode = in_torch(module)
    if images >= MANY_IMAGES and next(module.parameters()).device.type == "cpu":
        encode = _faster_if_equal(encode, module, cache.preprocessing, name=name)
    return cache.fill(photos, encode, progress=progress)


def in_torch(module: nn.Module) -> Encode:
    """Return a module as a function of images ``(B, 3, H, W)`` that runs in torch, on the module's device."""
    device = next(module.parameters()).device

    def encode(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            made = module(torch.from_numpy(images).to(device, memory_format=torch.channels_last))
        records: np.ndarray = made.cpu().numpy()
        return records

    return encode


def in_onnx_runtime(module: nn.Module, preprocessing: Preprocessing) -> Encode:
    """Return a module as a function of images ``(B, 3, H, W)`` that runs in ONNX Runtime, with torch's threads."""
    images = torch.zeros(2, 3, preprocessing.height, preprocessing.width)
    shapes = ({0: torch.export.Dim("photos", min=1)},)
    content = onnx_graph(module, (images,), inputs=["images"], outputs=["records"], shapes=shapes)
    graph = Graph(content, threads=torch.get_num_threads())
    return lambda images: graph.run({"images": images}, ["records"])[0]


def _faster_if_equal(encode: Encode, module: nn.Module, preprocessing: Preprocessing, *, name: str) -> Encode:
    """Return the module in ONNX Runtime; where it does not get there or says something else, ``encode``."""
    # one photo more than the graph was made with shows whether it takes any number
    noise = torch.randn(3, 3, preprocessing.height, preprocessing.width, generator=torch.Generator().manual_seed(0))
    try:
        faster = in_onnx_runtime(module, preprocessing)
        ours, theirs = faster(noise.numpy()), encode(noise.numpy())
    except Exception as error:  # whatever an exporter cannot do, torch can
        reason = type(error).__name__
    else:
        difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        if difference <= TOLERANCE:
            return faster
        reason = f"features differ by {difference:.2g} of the greatest, more than {TOLERANCE:g}"
    logging.getLogger(__name__).warning("%s encodes photos in torch, not the faster ONNX Runtime: %s", name, reason)
    return encode
