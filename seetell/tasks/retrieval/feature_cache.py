"""What an aligner knows of photos before anything is learnt, made once: it would cost the most of all a step does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.errors import DataError
from seetell.nn.backbones import Features
from seetell.training.batches import Draw
from seetell.training.features import split_features

_BATCH = 64


class DescribedPhotos:
    """A description of each region of each photo, in a temporary file that goes with the process.

    Args:
        describe: makes it of features, ``(B, R, components)``.
        cache: holds every photo below, grids included.
        photos: that descriptions are asked of, by position.
        views: 2 to describe mirror images as well.

    Raises:
        DataError: there is no room for the file.
    """

    def __init__(
        self,
        describe: Callable[[Features], Tensor],
        cache: FeatureCache,
        photos: Sequence[PhotoRecord],
        *,
        views: int,
        device: torch.device,
    ) -> None:
        records, rows = cache.open(), cache.rows([photo.path for photo in photos])

        def described(start: int, view: int) -> np.ndarray:
            batch = torch.from_numpy(records[rows[start : start + _BATCH], view].astype(np.float32))
            with torch.inference_mode():
                values: np.ndarray = describe(_on(device, split_features(batch))).cpu().numpy()
            return values

        shape = (len(photos), views, *described(0, 0).shape[1:])
        try:
            with tempfile.TemporaryFile() as file:
                self._described = np.memmap(file, np.float16, "w+", shape=shape)
            for start in range(0, len(photos), _BATCH):
                for view in range(views):
                    self._described[start : start + _BATCH, view] = described(start, view)
        except OSError as error:
            size = 2 * float(np.prod(shape)) / 1e6
            raise DataError(f"training needs {size:.0f} MB in {tempfile.gettempdir()}: {error}") from error

    def prepare(self, drawn: Draw) -> Tensor:
        """Gather a training batch's descriptions, ``(B, R, components)``."""
        return torch.from_numpy(self._described[drawn.photos, drawn.mirrored.astype(np.int64)].astype(np.float32))

    def batches(self, batch_size: int) -> Iterator[Tensor]:
        """Yield the descriptions of all photos, unmirrored, in order."""
        for start in range(0, len(self._described), batch_size):
            yield torch.from_numpy(self._described[start : start + batch_size, 0].astype(np.float32))


def some_features(cache: FeatureCache, photos: Sequence[PhotoRecord], *, most: int) -> Features:
    """Return the features of so many photos, spread over all."""
    rows = cache.rows([photo.path for photo in photos])[:: -(-len(photos) // most)]
    return split_features(torch.from_numpy(cache.open()[rows, 0].astype(np.float32)))


def _on(device: torch.device, features: Features) -> Features:
    grid = None if features.grid is None else features.grid.to(device)
    return Features(pooled=features.pooled.to(device), grid=grid)
