"""Regions with phrases as training targets, and the encoder's feature maps from a cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import RegionDataset, RegionPhoto
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress, feature_maps_cache
from seetell.training.preparation import data_hash, readable, training_splits


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
        cache: feature maps of all photos.
        failures: the photos that could not be opened, with the reasons.
    """

    train: RegionTargets
    val: RegionTargets
    vocabulary: Vocabulary
    cache: FeatureCache
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
    cache, failures = feature_maps_cache(
        config.encoder.cache, encoder, paths, strides=config.section.densecap.strides, progress=progress
    )
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


class FeatureMapCache:
    """The encoder's feature maps of photos.

    Args:
        cache: holds every photo below.
        photos: files, by position.
        shapes: ``(C_s, h, w)`` of the maps of a record, in their order.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[Path], shapes: Sequence[tuple[int, int, int]]) -> None:
        self._records, self._rows = cache.open(), cache.rows(photos)
        self._shapes = tuple(shapes)

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, photos: np.ndarray, mirrored: np.ndarray | None = None) -> list[Tensor]:
        """Return the maps of some photos, ``(B, C_s, h, w)`` float32 per stride.

        Args:
            photos: ``(B,)`` positions.
            mirrored: ``(B,)``, whether to mirror a photo's maps, whose cells stay at multiples of the stride.
        """
        records = torch.from_numpy(self._records[self._rows[photos], 0].astype(np.float32))
        parts = torch.split(records, [math.prod(shape) for shape in self._shapes], dim=1)
        maps = [part.reshape(-1, *shape) for part, shape in zip(parts, self._shapes, strict=True)]
        if mirrored is not None:
            for activation in maps:
                activation[mirrored] = activation[mirrored].flip(3)
        return maps


def map_shapes(encoder: Encoder, strides: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return ``(C_s, h, w)`` of an encoder's feature maps of one photo."""
    size = encoder.preprocessing
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        maps = encoder.feature_maps(torch.zeros(1, 3, size.height, size.width, device=device), strides)
    return [(maps[stride].shape[1], maps[stride].shape[2], maps[stride].shape[3]) for stride in strides]
