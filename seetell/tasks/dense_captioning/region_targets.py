"""Regions with phrases as training targets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import RegionDataset, RegionPhoto
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress, feature_maps_cache
from seetell.training.preparation import data_hash, readable, training_splits, unreadable


@dataclass(frozen=True)
class RegionTargets:
    """The photos of one split.

    Attributes:
        photos: as read.
        boxes: of each photo's regions, ``(G, 4)`` float32 ``xyxy`` in pixels of the encoder's input.
        phrases: of each photo's regions, encoded.
    """

    photos: tuple[RegionPhoto, ...]
    boxes: tuple[Tensor, ...]
    phrases: tuple[tuple[tuple[list[int], ...], ...], ...]


@dataclass(frozen=True)
class PreparedRegions:
    """What training on regions works on.

    Attributes:
        train: the training photos.
        val: the validation photos.
        vocabulary: the words of the training phrases.
        cache: feature maps of all photos; ``None`` where the encoder always runs.
        failures: the photos that could not be opened, with the reasons.
    """

    train: RegionTargets
    val: RegionTargets
    vocabulary: Vocabulary
    cache: FeatureCache | None
    failures: dict[Path, str]

    @property
    def data_hash(self) -> str:
        """Identifies photos, boxes and phrases in their order: in another order, other batches would be drawn."""
        return data_hash(
            [photo.id, boxes.tolist(), phrases]
            for split in (self.train, self.val)
            for photo, boxes, phrases in zip(split.photos, split.boxes, split.phrases, strict=True)
        )


def prepare_regions(
    config: RunConfig, dataset: RegionDataset, encoder: Encoder, *, progress: Progress
) -> PreparedRegions:
    """Prepare to train on regions; see :func:`~seetell.training.preparation.prepare_captions`.

    Raises:
        DataError: there is nothing to train or validate on.
        RecipeError: the encoder has no maps at the strides.
    """
    train, val = training_splits(config, dataset)
    paths = list(dict.fromkeys(photo.path for photo in (*train, *val)))
    section, cache = config.section, None
    if config.encoder.cache and section.train_encoder_after != 0:
        cache, failures = feature_maps_cache(
            config.encoder.cache, encoder, paths, strides=section.densecap.strides, progress=progress
        )
    else:
        failures = unreadable(paths, progress)
    train, val = readable(dataset.source, failures, train, val)
    vocabulary = Vocabulary.build(
        (tokenize(phrase) for photo in train for region in photo.regions for phrase in region.phrases),
        min_count=config.data.min_count,
    )
    size = (encoder.preprocessing.width, encoder.preprocessing.height)
    return PreparedRegions(
        _encode(train, vocabulary, size), _encode(val, vocabulary, size), vocabulary, cache, failures
    )


def _encode(photos: tuple[RegionPhoto, ...], vocabulary: Vocabulary, size: tuple[int, int]) -> RegionTargets:
    """Scale boxes to an input of that width and height, which the photo fills, and encode the words."""
    boxes, phrases = [], []
    for photo in photos:
        scale = torch.tensor([size[0] / photo.size[0], size[1] / photo.size[1]]).repeat(2)
        boxes.append(torch.tensor([region.box for region in photo.regions]) * scale)
        phrases.append(
            tuple(tuple(vocabulary.encode(tokenize(phrase)) for phrase in region.phrases) for region in photo.regions)
        )
    return RegionTargets(photos, tuple(boxes), tuple(phrases))
