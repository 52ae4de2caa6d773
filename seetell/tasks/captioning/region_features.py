"""Features of regions: the means of what a frozen encoder said of a photo's grid, over boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.errors import DataError, RecipeError
from seetell.nn.backbones import Features
from seetell.photos import photo_size
from seetell.tasks.captioning.models import USES_GRID
from seetell.tasks.retrieval.models.windows import pooling_weights
from seetell.training.batches import Draw
from seetell.training.config import Recipe


class RegionFeatures:
    """Pooled vectors of regions, from a cache that holds grids. A mirrored photo's regions are mirrored too.

    Letters: ``L`` locations of the grid, ``D`` length of the encoder's vectors.

    Args:
        cache: holds every photo below, with its grid.
        photos: the regions that features are asked of, by position; one without a box is the whole photo.
        grid_size: rows and columns of the grid.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[PhotoRecord], *, grid_size: tuple[int, int]) -> None:
        self._records = cache.open()
        self._rows = cache.rows([photo.path for photo in photos])
        boxes = _shares(photos)
        mirrored = np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], axis=1)
        self._weights = np.stack([pooling_weights(view, grid_size) for view in (boxes, mirrored)], axis=1)  # (N, 2, L)

    def prepare(self, drawn: Draw) -> Tensor:
        """Gather a training batch's vectors, ``(B, D)``."""
        return torch.from_numpy(self._pooled(drawn.photos, drawn.mirrored.astype(np.int64)))

    def features(self, prepared: Tensor) -> Features:
        """Read what :meth:`prepare` gave."""
        return Features(pooled=prepared, grid=None)

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all regions, unmirrored, in order."""
        for start in range(0, len(self._rows), batch_size):
            chosen = np.arange(start, min(start + batch_size, len(self._rows)))
            yield self.features(torch.from_numpy(self._pooled(chosen, np.zeros_like(chosen))))

    def _pooled(self, regions: np.ndarray, views: np.ndarray) -> np.ndarray:
        grids = self._records[self._rows[regions], views, 1:].astype(np.float32)  # (B, L, D)
        pooled: np.ndarray = np.matmul(self._weights[regions, views][:, None], grids)[:, 0]
        return pooled


def check_regions(recipe: Recipe) -> None:
    """Refuse what cannot learn from regions.

    Raises:
        RecipeError: the captioner looks at grids, or the encoder does not stay as it is.
    """
    if USES_GRID[recipe.architecture]:
        pooled = ", ".join(name for name, uses_grid in USES_GRID.items() if not uses_grid)
        raise RecipeError(
            f"architecture: {recipe.architecture} looks at a photo's grid, but {recipe.data.path} has captions of "
            f"regions, which are one vector each; take one of {pooled}"
        )
    if not recipe.encoder.cache or recipe.finetune.after != -1 or recipe.distillation.teachers:
        raise RecipeError(
            f"data.path: {recipe.data.path} has captions of regions, which are learnt from cached features and without "
            "teachers; set encoder.cache to a folder, finetune.after to -1 and distillation.teachers to []"
        )


def _shares(photos: Sequence[PhotoRecord]) -> np.ndarray:
    """Return the regions' boxes in shares of their photos' sides, ``(N, 4)``, cut to the photo.

    Raises:
        DataError: a box lies outside its photo.
    """
    sizes: dict[Path, tuple[int, int]] = {}
    boxes = np.empty((len(photos), 4))
    for number, photo in enumerate(photos):
        if photo.box is None:
            boxes[number] = 0, 0, 1, 1
            continue
        if photo.path not in sizes:
            sizes[photo.path] = photo_size(photo.path)
        width, height = sizes[photo.path]
        x0, y0, x1, y1 = photo.box
        boxes[number] = np.clip([x0 / width, y0 / height, x1 / width, y1 / height], 0, 1)
        if not (boxes[number, 2:] > boxes[number, :2]).all():
            raise DataError(
                f"{photo.id}: the box {list(photo.box)} lies outside the photo of {width}×{height} pixels; "
                "boxes are x0, y0, x1, y1 in pixels of the file"
            )
    return boxes
