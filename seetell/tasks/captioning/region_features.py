"""Features of regions: means of a frozen encoder's grid over boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.errors import DataError, RecipeError
from seetell.geometry.boxes import flip_boxes, pooling_weights
from seetell.nn.backbones import Features
from seetell.photos import photo_size
from seetell.tasks.captioning.models import USES_GRID
from seetell.training.batches import BatchIndices
from seetell.training.config import RunConfig


class RegionFeatures:
    """Pooled vectors of regions, from a cache that holds grids. A mirrored photo's regions are mirrored too.

    Letters: ``L`` locations of the grid, ``D`` length of the encoder's vectors.

    Args:
        cache: holds every photo below, with its grid.
        photos: the regions, by position; one without a box is the whole photo.
        grid_size: rows and columns of the grid.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[PhotoRecord], *, grid_size: tuple[int, int]) -> None:
        self._records = cache.open()
        self._rows = cache.rows([photo.path for photo in photos])
        boxes = _relative_boxes(photos)
        views = (boxes, flip_boxes(boxes, width=1))
        self._weights = np.stack([pooling_weights(view, grid_size) for view in views], axis=1)  # (N, 2, L)

    def prepare(self, indices: BatchIndices) -> Tensor:
        """Compute a training batch's vectors, ``(B, D)``."""
        return torch.from_numpy(self._pooled(indices.photos, indices.mirrored.astype(np.int64)))

    def features(self, prepared: Tensor, /) -> Features:
        """Return the features of a prepared batch."""
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


def check_regions(config: RunConfig) -> None:
    """Check that a run can be trained on captions of regions.

    Raises:
        RecipeError: the captioner attends to grids, or the encoder is not frozen.
    """
    section, path = config.section, config.data.path
    if USES_GRID[section.architecture]:
        pooled = ", ".join(name for name, uses_grid in USES_GRID.items() if not uses_grid)
        raise RecipeError(
            f"captioning.architecture: {section.architecture} reads a photo's grid, but {path} has captions of "
            f"regions, which are one vector each; choose one of {pooled}"
        )
    if config.encoder.adapter or config.adaptation.method != "none":
        field = "encoder.adapter" if config.encoder.adapter else "adaptation.method"
        raise RecipeError(f"{field}: {path} has captions of regions, which are not adapted; leave it out")
    if not config.encoder.cache or section.finetune.after != -1 or section.distillation.teachers:
        raise RecipeError(
            f"data.path: {path} has captions of regions, which need cached features and no teachers; set encoder.cache "
            "to a folder, captioning.finetune.after to -1 and captioning.distillation.teachers to []"
        )


def _relative_boxes(photos: Sequence[PhotoRecord]) -> np.ndarray:
    """Return the regions' boxes ``(N, 4)``, normalised to [0, 1] by their photos' sides and clipped.

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
