"""Filling feature caches: the outputs of a frozen encoder, or of its first stages, computed once per photo.

ONNX Runtime runs networks made for CPUs several times as fast as torch. Exporting the graph takes seconds, so few
photos are encoded in torch, and so is any network that cannot be exported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data.feature_cache import Encode, FeatureCache
from seetell.nn.backbones import Encoder, weights_hash
from seetell.nn.onnx_graph import onnx_graph
from seetell.photos import Preprocessing

Progress = Callable[[int, int], None]
"""Called with the numbers of photos encoded and to encode."""

MANY_IMAGES = 500
"""From this many on, ONNX Runtime saves more time than exporting takes: 7 to 11 s against 30 ms per image were measured
with EfficientNet-Lite0 and one thread (``benchmarks/feature_extraction.py``)."""

TOLERANCE = 1e-3
"""Largest accepted difference between ONNX Runtime and torch, relative to the largest feature. The cache's 16 bits
round by half of that."""


class AllFeatures(nn.Module):
    """All outputs of an encoder: records ``(B, 1 + L, D)``, the pooled vector first; ``(B, 1, D)`` without the grid."""

    def __init__(self, encoder: Encoder, *, with_grid: bool) -> None:
        super().__init__()
        self.encoder, self.with_grid = encoder, with_grid

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``(B, 3, H, W)``."""
        features = self.encoder(images)
        pooled = features.pooled[:, None]
        return torch.cat([pooled, features.grid], dim=1) if self.with_grid else pooled


class Activations(nn.Module):
    """The output of an encoder's first stages: records ``(B, h, w, C)``."""

    def __init__(self, early: nn.Module) -> None:
        super().__init__()
        self.stages = early

    def forward(self, images: Tensor) -> Tensor:
        """Encode ``(B, 3, H, W)``."""
        activation: Tensor = self.stages(images)
        return activation.permute(0, 2, 3, 1)


class FeatureMaps(nn.Module):
    """Feature maps of an encoder, concatenated: records ``(B, Σ C_s·h_s·w_s)``.

    Args:
        encoder: has maps at the strides.
        strides: in pixels, finest first.
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
    """Cache all outputs of an encoder, before its adapter if it has one; see :class:`AllFeatures`.

    Args:
        folder: of all caches.
        encoder: in evaluation mode.
        photos: files; those in the cache are not encoded again.
        with_grid: keep the grid too.
        flips: encode the mirrored photos too.
        progress: see :data:`Progress`.

    Returns:
        The cache; the photos that could not be opened, with the reasons.
    """
    encoder = encoder.unadapted
    return _filled(folder, encoder, AllFeatures(encoder, with_grid=with_grid), encoder, photos, flips, progress)


def activations_cache(
    folder: str, encoder: Encoder, photos: Sequence[Path], *, frozen_stages: int, flips: bool, progress: Progress
) -> tuple[FeatureCache, dict[Path, str]]:
    """Cache the output of an encoder's first stages; see :class:`Activations` and :func:`features_cache`."""
    early = encoder.first_stages(frozen_stages)
    return _filled(folder, encoder, Activations(early), early, photos, flips, progress)


def feature_maps_cache(
    folder: str, encoder: Encoder, photos: Sequence[Path], *, strides: Sequence[int], progress: Progress
) -> tuple[FeatureCache, dict[Path, str]]:
    """Cache feature maps of an encoder; see :class:`FeatureMaps` and :func:`features_cache`."""
    return _filled(folder, encoder, FeatureMaps(encoder, strides), encoder, photos, False, progress)


def _filled(
    folder: str,
    encoder: Encoder,
    module: nn.Module,
    weights: nn.Module,
    photos: Sequence[Path],
    flips: bool,
    progress: Progress,
) -> tuple[FeatureCache, dict[Path, str]]:
    """Cache the records that a module makes of images; the cache is that of the module with the weights."""
    preprocessing, encode = encoder.preprocessing, torch_encode_fn(module.eval())
    shape = encode(np.zeros((1, 3, preprocessing.height, preprocessing.width), np.float32)).shape[1:]
    cache = FeatureCache(
        folder, weights_hash=weights_hash(weights), preprocessing=preprocessing, shape=shape, flips=flips
    )
    images = cache.shape[0] * sum(photo not in cache for photo in photos)
    if images >= MANY_IMAGES and next(module.parameters()).device.type == "cpu":
        encode = _onnx_if_equivalent(encode, module, preprocessing, name=encoder.name)
    return cache, cache.fill(photos, encode, progress=progress)


def torch_encode_fn(module: nn.Module) -> Encode:
    """Return a function of images ``(B, 3, H, W)`` that runs a module in torch, on the module's device."""
    device = next(module.parameters()).device

    def encode(images: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            outputs = module(torch.from_numpy(images).to(device, memory_format=torch.channels_last))
        records: np.ndarray = outputs.cpu().numpy()
        return records

    return encode


def onnx_encode_fn(module: nn.Module, preprocessing: Preprocessing) -> Encode:
    """Return a function of images ``(B, 3, H, W)`` that runs a module in ONNX Runtime, with torch's threads."""
    import onnxruntime

    images = torch.zeros(2, 3, preprocessing.height, preprocessing.width)
    shapes = ({0: torch.export.Dim("photos", min=1)},)
    content = onnx_graph(module, (images,), inputs=["images"], outputs=["records"], dynamic_shapes=shapes)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return lambda images: np.asarray(session.run(["records"], {"images": images})[0])


def _onnx_if_equivalent(encode: Encode, module: nn.Module, preprocessing: Preprocessing, *, name: str) -> Encode:
    """Return the module in ONNX Runtime, or ``encode`` if it cannot be exported or its outputs differ."""
    # one photo more than the graph was exported with shows whether it accepts any number
    noise = torch.randn(3, 3, preprocessing.height, preprocessing.width, generator=torch.Generator().manual_seed(0))
    try:
        faster = onnx_encode_fn(module, preprocessing)
        ours, theirs = faster(noise.numpy()), encode(noise.numpy())
    except Exception as error:  # whatever an exporter cannot do, torch can
        reason = type(error).__name__
    else:
        difference = float(np.abs(ours - theirs).max() / np.abs(theirs).max())
        if difference <= TOLERANCE:
            return faster
        reason = f"features differ by {difference:.2g} of the largest, more than {TOLERANCE:g}"
    logging.getLogger(__name__).warning("%s encodes photos in torch, not the faster ONNX Runtime: %s", name, reason)
    return encode
