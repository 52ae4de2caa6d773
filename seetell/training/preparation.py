"""From a configuration and a data set to what training works on: photos, encoded captions, encoder, cached features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import AnyPhoto, CaptionDataset, PhotoDataset, PhotoRecord
from seetell.errors import DataError, PhotoError, RecipeError
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, create_encoder
from seetell.photos import open_photo
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress, activations_cache, features_cache
from seetell.training.task import seeded
from seetell.training.trained import PretrainedModel, load_encoder, read_pretrained


@dataclass(frozen=True)
class CaptionedPhotos:
    """Photos of one split and their encoded captions, one list per photo."""

    photos: tuple[PhotoRecord, ...]
    captions: tuple[tuple[list[int], ...], ...]


@dataclass(frozen=True)
class PreparedCaptions:
    """What training on captions works on.

    Attributes:
        train: the training photos.
        val: the validation photos.
        vocabulary: the words of the training captions.
        cache: features of all photos from the frozen encoder; ``None`` when it always runs.
        activations: outputs of the encoder's frozen stages for all photos, for when the others are trained; ``None``
            when the whole encoder is trained, or without a cache.
        failures: the photos that could not be opened, with the reasons.
    """

    train: CaptionedPhotos
    val: CaptionedPhotos
    vocabulary: Vocabulary
    cache: FeatureCache | None
    activations: FeatureCache | None
    failures: dict[Path, str]

    @property
    def data_hash(self) -> str:
        """Identifies photos and captions in their order: in another order, other batches would be drawn."""
        return data_hash(
            [photo.id, captions]
            for split in (self.train, self.val)
            for photo, captions in zip(split.photos, split.captions, strict=True)
        )


def prepare_captions(
    config: RunConfig,
    dataset: CaptionDataset,
    encoder: Encoder,
    *,
    with_grid: bool,
    progress: Progress,
    train_encoder_after: int = -1,
    frozen_stages: int = 0,
    words: Sequence[str] = (),
    target: Sequence[PhotoRecord] = (),
    vocabulary: Vocabulary | None = None,
) -> PreparedCaptions:
    """Prepare to train on captions.

    Args:
        config: of the run.
        dataset: photos and captions with their splits.
        encoder: frozen, on the device.
        with_grid: grids are read, not only pooled vectors.
        progress: called with the numbers of photos encoded or opened, and of all.
        train_encoder_after: the step from which the encoder is trained; -1 never.
        frozen_stages: stages of the encoder that are never trained.
        words: added to the vocabulary, however rare they are in the captions.
        target: photos of another domain, without captions, that are encoded too.
        vocabulary: the words of a model that stays as it is; by default those of the captions.

    Raises:
        DataError: there is nothing to train or validate on.
    """
    folder, flips = config.encoder.cache, config.data.flip
    train, val = training_splits(config, dataset)
    paths = list(dict.fromkeys(photo.path for photo in (*train, *val, *target)))
    failures: dict[Path, str] = {}
    cache = activations = None
    if folder and train_encoder_after != 0:
        cache, failures = features_cache(folder, encoder, paths, with_grid=with_grid, flips=flips, progress=progress)
    if folder and train_encoder_after >= 0 and frozen_stages and not config.data.crop:
        activations, unread = activations_cache(
            folder, encoder, paths, frozen_stages=frozen_stages, flips=flips, progress=progress
        )
        failures |= unread
    if cache is None and activations is None:
        failures = unreadable(paths, progress)
    train, val = readable(dataset.source, failures, train, val)
    if vocabulary is None:
        tokenized = (tokenize(caption) for photo in train for caption in photo.captions)
        vocabulary = Vocabulary.build(tokenized, min_count=config.data.min_count).with_words(words)
    encoded_train, encoded_val = (
        CaptionedPhotos(
            photos, tuple(tuple(vocabulary.encode(tokenize(text)) for text in photo.captions) for photo in photos)
        )
        for photos in (train, val)
    )
    return PreparedCaptions(encoded_train, encoded_val, vocabulary, cache, activations, failures)


def training_splits(
    config: RunConfig, dataset: PhotoDataset[AnyPhoto]
) -> tuple[tuple[AnyPhoto, ...], tuple[AnyPhoto, ...]]:
    """Return the training photos, and as many validation photos as the run uses.

    Raises:
        DataError: a split has none.
    """
    train, val = dataset.split("train"), dataset.split("val")
    _check_splits(dataset.source, train, val)
    return train, val if config.validation.photos == -1 else val[: config.validation.photos]


def readable(source: Path, failures: Iterable[Path], *splits: tuple[AnyPhoto, ...]) -> list[tuple[AnyPhoto, ...]]:
    """Return the photos of the splits train and val of a data set that could be opened.

    Raises:
        DataError: a split has none.
    """
    unread = set(failures)
    kept = [tuple(photo for photo in split if photo.path not in unread) for split in splits]
    _check_splits(source, *kept)
    return kept


def _check_splits(source: Path, *splits: Sequence[object]) -> None:
    if not all(splits):
        raise DataError(
            f"{source}: training needs readable photos with text in the splits train and val, got "
            f"{' and '.join(str(len(split)) for split in splits)}; see: seetell data check {source}"
        )


def data_hash(records: Iterable[Any]) -> str:
    """Return the SHA-256 of JSON-ready records in their order."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(json.dumps(record).encode())
    return digest.hexdigest()


def pretrained_of(config: RunConfig) -> PretrainedModel | None:
    """Return the model that a run is initialised from, if there is one."""
    return read_pretrained(Path(config.init_from)) if config.init_from else None


def frozen_encoder(config: RunConfig, pretrained: PretrainedModel | None) -> Encoder:
    """Create an encoder, frozen and in evaluation mode, on the run's device.

    Args:
        config: of the run.
        pretrained: its encoder's weights are loaded where it was trained.

    Raises:
        RecipeError: torch cannot use the device.
    """
    try:
        device = torch.zeros(1, device=config.device).device
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(f"device: torch cannot use {config.device!r} here ({error}); try 'cpu'") from error
    chosen = config.encoder
    encoder: Encoder = seeded(
        config,
        lambda _: create_encoder(
            chosen.name,
            weights=chosen.weights,
            image_size=chosen.image_size,
            train_batch_norms=chosen.train_batch_norms,
            options=chosen.options,
            adapter=chosen.adapter,
        ),
    )
    if pretrained is not None:
        load_encoder(encoder, pretrained)
    return encoder.requires_grad_(False).to(device).to(memory_format=torch.channels_last)  # faster convolutions


def encoder_and_model(
    config: RunConfig, build: Callable[..., nn.Module], part: str, **placement: Any
) -> tuple[Encoder, Any]:
    """Create a run's encoder, frozen, and its model, with all weights of the run that it begins with, if there is one.

    Args:
        config: of the run.
        build: creates the model; see :func:`~seetell.training.task.seeded`.
        part: the model's name in checkpoints.
        placement: how it lies on the run's device; see :meth:`torch.nn.Module.to`.

    Raises:
        RecipeError: torch cannot use the device.
    """
    pretrained = pretrained_of(config)
    encoder = frozen_encoder(config, pretrained)
    model = seeded(config, build, encoder, None).to(config.device, **placement)
    if pretrained is not None:
        model.load_state_dict(pretrained.part(part))
    return encoder, model


def unreadable(paths: Sequence[Path], progress: Progress) -> dict[Path, str]:
    """Open photos that no cache is filled with.

    Args:
        paths: the files.
        progress: called after each with the numbers of photos opened and of all.

    Returns:
        Those that could not be opened, with the reasons.
    """
    failures = {}
    for number, path in enumerate(paths, start=1):
        try:
            open_photo(path, at_least=(64, 64))
        except PhotoError as error:
            failures[path] = str(error)
        progress(number, len(paths))
    return failures
