"""Domain adaptation in training: what each method adds to a task's batches, losses and features.

A task makes an :class:`Adaptation` of its configuration, and asks it where features come from, for further tensors of
each batch, for further terms of the loss, and how to average the losses of photos. Without a method all of it leaves
training as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.errors import DataError
from seetell.nn.backbones import AdaptedEncoder, Encoder, Features
from seetell.photos.folders import photo_folders
from seetell.training.batches import BatchIndices, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.features import FeatureSource
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash
from seetell.training.task import Optimised, Phase
from seetell.training.trained import PretrainedModel

PART = "adaptation"
"""What its state is called in checkpoints."""

FITTING_PHOTOS = 1000
FITTING_BATCH = 50

Sources = Callable[[Sequence[PhotoRecord]], FeatureSource]
"""Returns where the features of photos come from."""


def read_target(config: RunConfig) -> tuple[PhotoRecord, ...]:
    """Return the photos of the target domain, none where the method reads none.

    Raises:
        DataError: there are none.
    """
    if not config.adaptation.target:
        return ()
    path = Path(config.adaptation.target)
    if path.is_file():
        photos = read(path).split("train")
    else:
        if not path.is_dir():
            raise DataError(f"adaptation.target: {path} is no folder of photos, and no file of captions")
        folders = photo_folders(str(path), lambda folder: None)
        found = [Path(folder, name) for folder, names in folders for name in names]
        photos = tuple(PhotoRecord(each.relative_to(path).as_posix(), each, (), "train") for each in found)
    if len(photos) < config.batch_size:
        raise DataError(
            f"adaptation.target: {path} has {len(photos)} photos; expected at least a batch, {config.batch_size}"
        )
    return photos


class Adaptation(nn.Module):
    """What a method adds to training; this one, ``none``, adds nothing.

    Args:
        config: of the run.
        encoder: of the run, on its device.
        photos: of the source, by position.
        target: see :func:`read_target`; those that could be opened.
        with_grid: whether the model reads grids.

    Attributes:
        tensors: how many :meth:`batch` returns.
    """

    tensors = 0

    def __init__(
        self,
        config: RunConfig,
        encoder: Encoder,
        photos: Sequence[PhotoRecord],
        target: Sequence[PhotoRecord],
        *,
        with_grid: bool,
    ) -> None:
        super().__init__()
        self.config, self.options = config, config.adaptation
        self._with_grid = with_grid
        self.compared_size = encoder.channels * (2 if with_grid else 1)
        self.photos, self.target = tuple(photos), tuple(target)
        self._encoder = [encoder]  # in a list, so that it is no part of this module

    def fill_caches(self, progress: Progress) -> Mapping[Path, str]:
        """Compute what the method reads of photos beside their features; return those that could not be opened."""
        return {}

    @property
    def hashes(self) -> dict[str, str]:
        """What a run must be resumed with: the photos of the target domain."""
        return {"target_hash": data_hash([photo.id] for photo in self.target)} if self.target else {}

    def initialise(self, sources: Sources, *, pretrained: PretrainedModel | None) -> None:
        """Prepare for step 0; not called when a run is resumed.

        Args:
            sources: of features as they are at first.
            pretrained: what the run is initialised from; if it has an adapter, that has seen features before.
        """
        (encoder,) = self._encoder
        if isinstance(encoder, AdaptedEncoder) and not (pretrained and pretrained.has_adapter):
            some = self.photos[:: -(-len(self.photos) // FITTING_PHOTOS)]
            features = list(sources(some).batches(FITTING_BATCH))
            grids = [each.grid.flatten(0, 1) for each in features if each.grid is not None]
            encoder.adapter.norm.fit(torch.cat([*(each.pooled for each in features), *grids]))

    def begin(self, sources: Sources) -> None:
        """Prepare for the steps of a phase."""

    def source(self, source: FeatureSource) -> FeatureSource:
        """Return where the features of the source's training photos come from, given where they usually do."""
        return source

    def batch(self, step: int, indices: BatchIndices, part: Part) -> tuple[Any, ...]:
        """Read what a part of a step needs beside the task's own tensors; see :attr:`tensors`."""
        return ()

    def split(self, batch: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the task's own tensors of a batch, and those of :meth:`batch`, which stand behind them."""
        own = len(batch) - self.tensors
        return batch[:own], batch[own:]

    def terms(self, step: int, features: Features, extra: tuple[Any, ...]) -> list[Term]:
        """Return further terms of the loss.

        Args:
            step: counted from 0.
            features: of the source photos, as the model reads them.
            extra: as :meth:`batch` returned it.
        """
        return []

    def mean(self, losses: Tensor, places: Tensor, extra: tuple[Any, ...]) -> Tensor:
        """Average losses.

        Args:
            losses: of photos or words, ``(M,)``.
            places: of their photos in the batch, ``(M,)`` int64.
            extra: as :meth:`batch` returned it.
        """
        return losses.mean()

    def compared(self, features: Features) -> Tensor:
        """Return what domains are compared by: pooled vectors, ``(B, D)``, and the means of grids that are read.

        An adapter refines both, and is not linear.
        """
        if not self._with_grid or features.grid is None:
            return features.pooled
        return torch.cat([features.pooled, features.grid.mean(dim=1)], dim=1)

    def vectors_of(self, source: FeatureSource) -> Tensor:
        """Return what domains are compared by of all photos of a source, ``(N, D)`` or ``(N, 2·D)``."""
        return torch.cat([self.compared(features) for features in source.batches(FITTING_BATCH)])

    def added_modules(self) -> dict[str, nn.Module]:
        """Return what is kept in checkpoints beside the task's own modules: this, and the adapter with its encoder."""
        (encoder,) = self._encoder
        added: dict[str, nn.Module] = {PART: self} if self.state_dict() else {}
        return added | {"encoder": encoder} if isinstance(encoder, AdaptedEncoder) else added

    def added_to(self, phases: Sequence[Phase]) -> list[Phase]:
        """Return a task's phases; adapter and discriminator are trained in each, with the run's own optimiser."""
        (encoder,), optimiser, added = self._encoder, self.config.optimiser, {}
        if isinstance(encoder, AdaptedEncoder):
            added["encoder"] = Optimised(optimiser, encoder.trainable(frozen_stages=0))
        if own := list(self.parameters()):
            added[PART] = Optimised(optimiser, own)
        kept = self.options.method != "adapters"  # where the model itself stays as it is
        return [replace(phase, optimisers={**(phase.optimisers if kept else {}), **added}) for phase in phases]
