"""What images are embedded from, computed once: computing it would cost more than the rest of a step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import Photo
from seetell.errors import DataError
from seetell.nn.backbones import Features
from seetell.tasks.retrieval.models.tags import ObjectTags
from seetell.tasks.retrieval.tagging import read_tags
from seetell.tasks.tagging import CachedTags
from seetell.training.batches import BatchIndices
from seetell.training.features import on_device, unpack_features

_BATCH = 64

Prepare = Callable[[Features, ObjectTags | None], Sequence[Tensor]]
"""Computes from the features and the tags of images what training reads of them, tensors ``(B, …)``."""


class PreparedFeatureCache:
    """What training reads of each photo, in a temporary file that goes with the process.

    Args:
        prepare: computes it.
        cache: holds the features of every photo below, grids included.
        photos: by position.
        views: 2 to include mirror images.
        device: where it is computed.
        tags: of every photo; ``None`` where they are not read.

    Raises:
        DataError: there is no room for the file.
    """

    def __init__(
        self,
        prepare: Prepare,
        cache: FeatureCache,
        photos: Sequence[Photo],
        *,
        views: int,
        device: torch.device,
        tags: CachedTags | None = None,
    ) -> None:
        records, paths = cache.open(), [photo.path for photo in photos]
        rows = cache.rows(paths)

        def prepared(start: int, view: int) -> list[Tensor]:
            batch = torch.from_numpy(records[rows[start : start + _BATCH], view].astype(np.float32))
            found = None if tags is None else read_tags(tags, paths[start : start + _BATCH], view, device)
            with torch.inference_mode():
                parts = prepare(on_device(unpack_features(batch), device), found)
            return [part.cpu() for part in parts]

        self._shapes = [part.shape[1:] for part in prepared(0, 0)]
        shape = (len(photos), views, sum(map(np.prod, self._shapes)))
        try:
            with tempfile.TemporaryFile() as file:
                self._records = np.memmap(file, np.float16, "w+", shape=shape)
            for start in range(0, len(photos), _BATCH):
                for view in range(views):
                    parts = [part.flatten(1) for part in prepared(start, view)]
                    self._records[start : start + _BATCH, view] = torch.cat(parts, dim=1).numpy()
        except OSError as error:
            size = 2 * float(np.prod(shape)) / 1e6
            raise DataError(f"training needs {size:.0f} MB in {tempfile.gettempdir()}: {error}") from error

    def prepare(self, indices: BatchIndices) -> list[Tensor]:
        """Read what a training batch is computed from."""
        return self._unpack(self._records[indices.photos, indices.mirrored.astype(np.int64)])

    def batches(self, batch_size: int) -> Iterator[list[Tensor]]:
        """Yield what all photos, unmirrored and in order, are computed from."""
        for start in range(0, len(self._records), batch_size):
            yield self._unpack(self._records[start : start + batch_size, 0])

    def _unpack(self, records: np.ndarray) -> list[Tensor]:
        sizes = [shape.numel() for shape in self._shapes]
        parts = torch.split(torch.from_numpy(records.astype(np.float32)), sizes, dim=1)
        return [part.reshape(len(part), *shape) for part, shape in zip(parts, self._shapes, strict=True)]


def sample_photos(photos: Sequence[Photo], *, most: int) -> list[Path]:
    """Return the files of at most ``most`` photos, spread over all."""
    return [photo.path for photo in photos[:: -(-len(photos) // most)]]


def read_features(cache: FeatureCache, photos: Sequence[Path]) -> Features:
    """Return the cached features of photos."""
    return unpack_features(torch.from_numpy(cache.open()[cache.rows(photos), 0].astype(np.float32)))
