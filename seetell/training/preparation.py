"""From a recipe and a data set to what the loop works on: photos, numbered captions, encoder, cached features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import CaptionDataset, PhotoRecord
from seetell.errors import DataError, PhotoError, RecipeError
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, create_encoder, weights_hash
from seetell.photos import open_photo
from seetell.training.config import DataConfig, EncoderConfig, FinetuneConfig
from seetell.training.encoding import Progress, activations_cache, features_cache
from seetell.training.pretrained import EarlierModel, load_encoder


@dataclass(frozen=True)
class CaptionedPhotos:
    """Photos of one split and their captions as word numbers, one list a photo."""

    photos: tuple[PhotoRecord, ...]
    captions: tuple[tuple[list[int], ...], ...]


@dataclass(frozen=True)
class Preparation:
    """What the training loop works on.

    Attributes:
        train: photos to learn from.
        val: photos to validate on.
        vocabulary: the words of the training captions.
        encoder: on the device, frozen.
        encoder_hash: identifies the weights it starts with.
        cache: features of all photos while the encoder is frozen; ``None`` when it always runs.
        activations: what the encoder's frozen stages make of all photos while the others are trained; ``None`` when
            the whole encoder is trained, or no cache is wanted.
        failures: photos left out because they do not open, and why.
    """

    train: CaptionedPhotos
    val: CaptionedPhotos
    vocabulary: Vocabulary
    encoder: Encoder
    encoder_hash: str
    cache: FeatureCache | None
    activations: FeatureCache | None
    failures: dict[Path, str]

    def data_hash(self) -> str:
        """Identify photos and captions in their order: another order would draw other batches."""
        digest = hashlib.sha256()
        for captioned in (self.train, self.val):
            for photo, captions in zip(captioned.photos, captioned.captions, strict=True):
                digest.update(json.dumps([photo.id, captions]).encode())
        return digest.hexdigest()


def prepare(
    dataset: CaptionDataset,
    earlier: EarlierModel | None,
    *,
    data: DataConfig,
    encoder: EncoderConfig,
    finetune: FinetuneConfig,
    validation_photos: int,
    device: str,
    with_grid: bool,
    progress: Progress,
) -> Preparation:
    """Prepare a run.

    Args:
        dataset: photos and captions with their splits.
        earlier: a model to begin with; its encoder is taken over where it was trained.
        data: which words are kept, and whether photos are mirrored or cropped.
        encoder: the image encoder.
        finetune: whether and how it is trained as well.
        validation_photos: how many validation photos to use; -1 all.
        device: where torch computes.
        with_grid: grids are read, not pooled vectors only.
        progress: told how many of how many photos are encoded or checked.

    Raises:
        DataError: there is nothing to train or validate on.
        RecipeError: the device is not there.
    """
    network = frozen_encoder(encoder, earlier, device=device)
    encoder_hash = weights_hash(network)
    train, val = dataset.split("train"), dataset.split("val")
    if validation_photos != -1:
        val = val[:validation_photos]
    failures: dict[Path, str] = {}
    cache = activations = None
    paths = list(dict.fromkeys(photo.path for photo in (*train, *val)))
    if encoder.cache and finetune.after != 0:
        cache, failures = features_cache(
            encoder.cache, network, paths, with_grid=with_grid, flips=data.flip, progress=progress
        )
    if encoder.cache and finetune.after >= 0 and finetune.frozen_stages and not data.crop:
        activations, unread = activations_cache(
            encoder.cache, network, paths, frozen_stages=finetune.frozen_stages, flips=data.flip, progress=progress
        )
        failures |= unread
    if cache is None and activations is None:
        failures = _unreadable(paths, progress)
    train, val = (tuple(photo for photo in split if photo.path not in failures) for split in (train, val))
    if not train or not val:
        raise DataError(
            f"{dataset.source}: training needs readable photos with captions in the splits train and val, got "
            f"{len(train)} and {len(val)}; see: seetell data check {dataset.source}"
        )
    vocabulary = Vocabulary.build(
        (tokenize(caption) for photo in train for caption in photo.captions), min_count=data.min_count
    )
    return Preparation(
        train=_numbered(train, vocabulary),
        val=_numbered(val, vocabulary),
        vocabulary=vocabulary,
        encoder=network,
        encoder_hash=encoder_hash,
        cache=cache,
        activations=activations,
        failures=failures,
    )


def frozen_encoder(config: EncoderConfig, earlier: EarlierModel | None, *, device: str) -> Encoder:
    """Make an encoder that is not trained, in evaluation mode on the device.

    Args:
        config: which.
        earlier: a model whose encoder is taken over where it was trained.
        device: where torch computes.

    Raises:
        RecipeError: the device is not there.
    """
    try:
        place = torch.zeros(1, device=device).device
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(f"device: torch cannot use {device!r} here ({error}); try 'cpu'") from error
    network = create_encoder(config.name, weights=config.weights, image_size=config.image_size)
    if earlier is not None:
        load_encoder(network, earlier)
    return network.requires_grad_(False).to(place).to(memory_format=torch.channels_last)  # convolutions run faster so


def _numbered(photos: tuple[PhotoRecord, ...], vocabulary: Vocabulary) -> CaptionedPhotos:
    captions = tuple(tuple(vocabulary.encode(tokenize(caption)) for caption in photo.captions) for photo in photos)
    return CaptionedPhotos(photos, captions)


def _unreadable(paths: Sequence[Path], progress: Progress) -> dict[Path, str]:
    failures = {}
    for number, path in enumerate(paths, start=1):
        try:
            open_photo(path, at_least=(64, 64))
        except PhotoError as error:
            failures[path] = str(error)
        progress(number, len(paths))
    return failures
