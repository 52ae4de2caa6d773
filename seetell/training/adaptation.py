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

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data import read
from seetell.data.records import PhotoRecord
from seetell.errors import DataError
from seetell.nn.backbones import AdaptedEncoder, Encoder, Features
from seetell.nn.domain_adaptation.density_ratio import density_ratio, effective_sample_size, flattened
from seetell.nn.domain_adaptation.gradient_reversal import (
    DomainDiscriminator,
    domain_loss,
    reversal_strength,
    reverse_gradient,
)
from seetell.nn.domain_adaptation.group_dro import GroupWeights, clusters
from seetell.nn.domain_adaptation.kernel_mean_matching import kernel_mean_matching
from seetell.nn.domain_adaptation.mixstyle import MixStyle
from seetell.nn.domain_adaptation.mmd import FACTORS, median_squared_distance, squared_mmd
from seetell.nn.standardisation import Standardise
from seetell.photos.folders import photo_folders
from seetell.training.batches import BatchIndices, Part, sample_batch_indices
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress, activations_cache
from seetell.training.features import CachedFeatures, FeatureSource
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
        self._compared_size = encoder.channels * (2 if with_grid else 1)
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

    def _compared(self, features: Features) -> Tensor:
        """Return what domains are compared by: pooled vectors, ``(B, D)``, and the means of grids that are read.

        An adapter refines both, and is not linear.
        """
        if not self._with_grid or features.grid is None:
            return features.pooled
        return torch.cat([features.pooled, features.grid.mean(dim=1)], dim=1)

    def _vectors_of(self, source: FeatureSource) -> Tensor:
        """Return what domains are compared by of all photos of a source, ``(N, D)`` or ``(N, 2·D)``."""
        return torch.cat([self._compared(features) for features in source.batches(FITTING_BATCH)])

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


class _Alignment(Adaptation):
    """Methods that compare the features of a batch of the source with those of as large a batch of the target."""

    tensors = 1

    def begin(self, sources: Sources) -> None:
        self._target_source = sources(self.target)

    def batch(self, step: int, indices: BatchIndices, part: Part) -> tuple[Any, ...]:
        drawn = sample_batch_indices(
            step,
            seed=self.config.seed + 1,  # in another order than the source's photos
            caption_counts=np.ones(len(self.target), np.int64),
            batch_size=self.config.batch_size,
            captions_per_photo=1,
            flip=self.config.data.flip,
        )
        return (self._target_source.prepare(drawn.part(part)),)

    def terms(self, step: int, features: Features, extra: tuple[Any, ...]) -> list[Term]:
        source = self._compared(features)
        target = self._compared(self._target_source.features(extra[0].to(source.device)))
        return self._compare(step, source, target)

    def initialise(self, sources: Sources, *, pretrained: PretrainedModel | None) -> None:
        super().initialise(sources, pretrained=pretrained)
        some = [photos[:: -(-len(photos) // FITTING_PHOTOS)] for photos in (self.photos, self.target)]
        self._fit(torch.cat([self._vectors_of(sources(photos)) for photos in some]))

    def _fit(self, vectors: Tensor) -> None:
        raise NotImplementedError

    def _compare(self, step: int, source: Tensor, target: Tensor) -> list[Term]:
        raise NotImplementedError


class _Reversal(_Alignment):
    """See :mod:`seetell.nn.domain_adaptation.gradient_reversal`."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.discriminator = DomainDiscriminator(self._compared_size, self.options.discriminator_width)

    def _fit(self, vectors: Tensor) -> None:
        self.discriminator.norm.fit(vectors)

    def _compare(self, step: int, source: Tensor, target: Tensor) -> list[Term]:
        strength = reversal_strength(step / self.config.steps) * self.options.weight
        logits = self.discriminator(reverse_gradient(torch.cat([source, target]), strength))
        found, wanted = logits[: len(source)], logits[len(source) :]
        right = torch.cat([found.detach() < 0, wanted.detach() >= 0]).float().mean()
        return [
            Term(domain_loss(found, wanted), len(logits), name="domain_loss"),
            Term(right, len(logits), weight=0, name="domain_accuracy"),
        ]


class _KernelDistance(_Alignment):
    """See :mod:`seetell.nn.domain_adaptation.mmd`."""

    median: Tensor

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.norm = Standardise(self._compared_size)
        self.register_buffer("median", torch.ones(()))

    def _fit(self, vectors: Tensor) -> None:
        self.norm.fit(vectors)
        self.median.copy_(median_squared_distance(self.norm(vectors)))

    def _compare(self, step: int, source: Tensor, target: Tensor) -> list[Term]:
        bandwidths = self.median * torch.tensor(FACTORS, device=source.device)
        distance = squared_mmd(self.norm(source), self.norm(target), bandwidths)
        return [Term(distance, len(source), self.options.weight, "squared_mmd")]


class _Weighting(Adaptation):
    """Methods that weigh the losses of source photos, by what is known of each before training."""

    tensors = 1

    def batch(self, step: int, indices: BatchIndices, part: Part) -> tuple[Any, ...]:
        return (torch.from_numpy(indices.photos),)


class _PhotoWeights(_Weighting):
    """See :mod:`~seetell.nn.domain_adaptation.density_ratio` and ``kernel_mean_matching`` beside it.

    Attributes:
        weights: of the source photos, ``(N,)``, with the mean 1.
    """

    weights: Tensor

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.register_buffer("weights", torch.ones(len(self.photos)))

    def initialise(self, sources: Sources, *, pretrained: PretrainedModel | None) -> None:
        super().initialise(sources, pretrained=pretrained)
        source, target = self._vectors_of(sources(self.photos)), self._vectors_of(sources(self.target))
        if self.options.method == "instance_weighting":
            self.weights.copy_(flattened(density_ratio(source, target), self.options.ratio_exponent))
        else:
            norm = Standardise(source.shape[1])
            norm.fit(torch.cat([source, target]))
            bound = self.options.largest_weight
            self.weights.copy_(kernel_mean_matching(norm(source), norm(target), bound=bound))

    def terms(self, step: int, features: Features, extra: tuple[Any, ...]) -> list[Term]:
        effective = effective_sample_size(self.weights) / len(self.weights)
        return [Term(effective, weight=0, name="effective_share")]

    def mean(self, losses: Tensor, places: Tensor, extra: tuple[Any, ...]) -> Tensor:
        return (losses * self.weights[extra[0].to(losses.device)[places]]).mean()


class _WorstGroup(_Weighting):
    """See :mod:`seetell.nn.domain_adaptation.group_dro`."""

    groups: Tensor

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        if len(self.photos) < self.options.groups:
            raise DataError(f"adaptation.groups: {len(self.photos)} photos make no {self.options.groups} groups")
        self.register_buffer("groups", torch.zeros(len(self.photos), dtype=torch.int64))
        self.objective = GroupWeights(self.options.groups, step_size=self.options.group_step_size)

    def initialise(self, sources: Sources, *, pretrained: PretrainedModel | None) -> None:
        super().initialise(sources, pretrained=pretrained)
        vectors = self._vectors_of(sources(self.photos))
        norm = Standardise(vectors.shape[1])
        norm.fit(vectors)
        self.groups.copy_(clusters(norm(vectors), self.options.groups, seed=self.config.seed))

    def terms(self, step: int, features: Features, extra: tuple[Any, ...]) -> list[Term]:
        return [Term(self.objective.weights.max().item(), weight=0, name="largest_group_weight")]

    def mean(self, losses: Tensor, places: Tensor, extra: tuple[Any, ...]) -> Tensor:
        weighted: Tensor = self.objective(losses, self.groups[extra[0].to(losses.device)[places]])
        return weighted


class _MixedStyles(Adaptation):
    """See :mod:`seetell.nn.domain_adaptation.mixstyle`; the encoder's later stages run on every batch."""

    def fill_caches(self, progress: Progress) -> Mapping[Path, str]:
        config, (encoder,) = self.config, self._encoder
        self._activations, failures = activations_cache(
            config.encoder.cache,
            encoder.unadapted,
            [photo.path for photo in self.photos],
            frozen_stages=self.options.style_stage,
            flips=config.data.flip,
            progress=progress,
        )
        return failures

    def source(self, source: FeatureSource) -> FeatureSource:
        (encoder,), stage = self._encoder, self.options.style_stage
        mix = MixStyle(probability=self.options.style_probability, alpha=self.options.style_alpha).train()
        device = next(encoder.parameters()).device

        def mixed(records: Tensor) -> Features:
            with torch.no_grad():
                activation = mix(records.to(device).permute(0, 3, 1, 2))
                features = encoder.unadapted.forward_from_stage(activation, frozen_stages=stage)
            return encoder.adapt(features)

        return CachedFeatures(self._activations, self.photos, mixed)


METHODS: Mapping[str, type[Adaptation]] = {
    "none": Adaptation,
    "adapters": Adaptation,
    "gradient_reversal": _Reversal,
    "mmd": _KernelDistance,
    "instance_weighting": _PhotoWeights,
    "kernel_mean_matching": _PhotoWeights,
    "mixstyle": _MixedStyles,
    "group_dro": _WorstGroup,
}


def create_adaptation(
    config: RunConfig,
    encoder: Encoder,
    photos: Sequence[PhotoRecord],
    target: Sequence[PhotoRecord],
    *,
    with_grid: bool,
) -> Adaptation:
    """Return what the method of a run adds to its training, with random weights that follow from the run's seed.

    Its arguments are those of :class:`Adaptation`.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        adaptation = METHODS[config.adaptation.method](config, encoder, photos, target, with_grid=with_grid)
    return adaptation.to(next(encoder.parameters()).device)
