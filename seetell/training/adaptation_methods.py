"""The methods of domain adaptation: what each adds to training, by the operators of ``nn/domain_adaptation``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data.records import PhotoRecord
from seetell.errors import DataError
from seetell.nn.backbones import Encoder, Features
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
from seetell.training.adaptation import FITTING_PHOTOS, Adaptation, Sources
from seetell.training.batches import BatchIndices, Part, sample_batch_indices
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress, activations_cache
from seetell.training.features import CachedFeatures, FeatureSource
from seetell.training.loss_terms import Term
from seetell.training.trained import PretrainedModel


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
        source = self.compared(features)
        target = self.compared(self._target_source.features(extra[0].to(source.device)))
        return self._compare(step, source, target)

    def initialise(self, sources: Sources, *, pretrained: PretrainedModel | None) -> None:
        super().initialise(sources, pretrained=pretrained)
        some = [photos[:: -(-len(photos) // FITTING_PHOTOS)] for photos in (self.photos, self.target)]
        self._fit(torch.cat([self.vectors_of(sources(photos)) for photos in some]))

    def _fit(self, vectors: Tensor) -> None:
        raise NotImplementedError

    def _compare(self, step: int, source: Tensor, target: Tensor) -> list[Term]:
        raise NotImplementedError


class _Reversal(_Alignment):
    """See :mod:`seetell.nn.domain_adaptation.gradient_reversal`."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.discriminator = DomainDiscriminator(self.compared_size, self.options.discriminator_width)

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
        self.norm = Standardise(self.compared_size)
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
        source, target = self.vectors_of(sources(self.photos)), self.vectors_of(sources(self.target))
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
        vectors = self.vectors_of(sources(self.photos))
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
