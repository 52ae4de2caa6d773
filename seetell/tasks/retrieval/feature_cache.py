"""Whitened region features of photos, computed once: computing them would cost more than the rest of a step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import Photo
from seetell.errors import DataError
from seetell.nn.backbones import Features
from seetell.training.batches import BatchIndices
from seetell.training.features import on_device, unpack_features

_BATCH = 64


class WhitenedFeatureCache:
    """Whitened features of the regions or cells of each photo, in a temporary file that goes with the process.

    Args:
        whiten: computes them from features, ``(B, R, components)``.
        cache: holds every photo below, grids included.
        photos: by position.
        views: 2 to include mirror images.
        device: where ``whiten`` computes.

    Raises:
        DataError: there is no room for the file.
    """

    def __init__(
        self,
        whiten: Callable[[Features], Tensor],
        cache: FeatureCache,
        photos: Sequence[Photo],
        *,
        views: int,
        device: torch.device,
    ) -> None:
        records, rows = cache.open(), cache.rows([photo.path for photo in photos])

        def whitened(start: int, view: int) -> np.ndarray:
            batch = torch.from_numpy(records[rows[start : start + _BATCH], view].astype(np.float32))
            with torch.inference_mode():
                values: np.ndarray = whiten(on_device(unpack_features(batch), device)).cpu().numpy()
            return values

        shape = (len(photos), views, *whitened(0, 0).shape[1:])
        try:
            with tempfile.TemporaryFile() as file:
                self._whitened = np.memmap(file, np.float16, "w+", shape=shape)
            for start in range(0, len(photos), _BATCH):
                for view in range(views):
                    self._whitened[start : start + _BATCH, view] = whitened(start, view)
        except OSError as error:
            size = 2 * float(np.prod(shape)) / 1e6
            raise DataError(f"training needs {size:.0f} MB in {tempfile.gettempdir()}: {error}") from error

    def prepare(self, indices: BatchIndices) -> Tensor:
        """Read a training batch's features, ``(B, R, components)``."""
        return torch.from_numpy(self._whitened[indices.photos, indices.mirrored.astype(np.int64)].astype(np.float32))

    def batches(self, batch_size: int) -> Iterator[Tensor]:
        """Yield the features of all photos, unmirrored, in order."""
        for start in range(0, len(self._whitened), batch_size):
            yield torch.from_numpy(self._whitened[start : start + batch_size, 0].astype(np.float32))


def sample_features(cache: FeatureCache, photos: Sequence[Photo], *, most: int) -> Features:
    """Return the features of at most ``most`` photos, spread over all."""
    rows = cache.rows([photo.path for photo in photos])[:: -(-len(photos) // most)]
    return unpack_features(torch.from_numpy(cache.open()[rows, 0].astype(np.float32)))
