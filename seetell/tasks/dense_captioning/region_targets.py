"""From a recipe and a data set of regions to what a dense captioner's loop works on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.data.region_records import RegionDataset, RegionPhoto
from seetell.errors import DataError
from seetell.language.tokenizer import tokenize
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, weights_hash
from seetell.tasks.dense_captioning.config import DenseRecipe
from seetell.training.encoding import Progress, pyramid_cache
from seetell.training.preparation import frozen_encoder
from seetell.training.pretrained import EarlierModel


@dataclass(frozen=True)
class DescribedRegions:
    """The photos of one split.

    Attributes:
        photos: as read.
        boxes: of each photo's regions, ``(G, 4)`` float32 ``xyxy`` in pixels of the encoder's input.
        phrases: of each photo's regions, as word numbers.
    """

    photos: tuple[RegionPhoto, ...]
    boxes: tuple[Tensor, ...]
    phrases: tuple[tuple[tuple[list[int], ...], ...], ...]


@dataclass(frozen=True)
class RegionPreparation:
    """What the loop works on.

    Attributes:
        train: photos to learn from.
        val: photos to validate on.
        vocabulary: the words of the training phrases.
        encoder: on the device, frozen.
        encoder_hash: identifies its weights.
        cache: the encoder's maps of all photos.
        failures: photos left out because they do not open, and why.
    """

    train: DescribedRegions
    val: DescribedRegions
    vocabulary: Vocabulary
    encoder: Encoder
    encoder_hash: str
    cache: FeatureCache
    failures: dict[Path, str]

    def data_hash(self) -> str:
        """Identify photos, boxes and phrases in their order: another order would draw other batches."""
        digest = hashlib.sha256()
        for split in (self.train, self.val):
            for photo, boxes, phrases in zip(split.photos, split.boxes, split.phrases, strict=True):
                digest.update(json.dumps([photo.id, boxes.tolist(), phrases]).encode())
        return digest.hexdigest()


def prepare_regions(
    recipe: DenseRecipe, dataset: RegionDataset, earlier: EarlierModel | None, *, progress: Progress
) -> RegionPreparation:
    """Prepare a run.

    Args:
        recipe: what to do.
        dataset: photos and regions with their splits.
        earlier: a model whose encoder is taken over where it was trained.
        progress: told how many of how many photos are encoded.

    Raises:
        DataError: there is nothing to train or validate on.
        RecipeError: the device is not there, or the encoder publishes no stages.
    """
    encoder = frozen_encoder(recipe.encoder, earlier, device=recipe.device)
    train, val = dataset.split("train"), dataset.split("val")
    if recipe.validation.photos != -1:
        val = val[: recipe.validation.photos]
    paths = list(dict.fromkeys(photo.path for photo in (*train, *val)))
    cache, failures = pyramid_cache(
        recipe.encoder.cache, encoder, paths, strides=recipe.densecap.strides, progress=progress
    )
    train, val = (tuple(photo for photo in split if photo.path not in failures) for split in (train, val))
    if not train or not val:
        raise DataError(
            f"{dataset.source}: training needs readable photos with regions in the splits train and val, got "
            f"{len(train)} and {len(val)}"
        )
    vocabulary = Vocabulary.build(
        (tokenize(phrase) for photo in train for region in photo.regions for phrase in region.phrases),
        min_count=recipe.data.min_count,
    )
    size = (encoder.preprocessing.width, encoder.preprocessing.height)
    return RegionPreparation(
        train=_numbered(train, vocabulary, size),
        val=_numbered(val, vocabulary, size),
        vocabulary=vocabulary,
        encoder=encoder,
        encoder_hash=weights_hash(encoder),
        cache=cache,
        failures=failures,
    )


def _numbered(photos: tuple[RegionPhoto, ...], vocabulary: Vocabulary, size: tuple[int, int]) -> DescribedRegions:
    """Scale boxes to an input of that width and height, which the photo fills, and number the words."""
    boxes, phrases = [], []
    for photo in photos:
        scale = torch.tensor([size[0] / photo.size[0], size[1] / photo.size[1]]).repeat(2)
        boxes.append(torch.tensor([region.box for region in photo.regions]) * scale)
        phrases.append(
            tuple(tuple(vocabulary.encode(tokenize(phrase)) for phrase in region.phrases) for region in photo.regions)
        )
    return DescribedRegions(photos, tuple(boxes), tuple(phrases))


class CachedMaps:
    """The encoder's maps of photos, from a cache.

    Args:
        cache: holds every photo below.
        photos: files, by position.
        shapes: ``(C_s, h, w)`` of the maps a record is made of, in their order.
    """

    def __init__(self, cache: FeatureCache, photos: Sequence[Path], shapes: Sequence[tuple[int, int, int]]) -> None:
        self._records, self._rows = cache.open(), cache.rows(photos)
        self._shapes = tuple(shapes)

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, photos: np.ndarray, mirrored: np.ndarray | None = None) -> list[Tensor]:
        """Return the maps of some photos, ``(B, C_s, h, w)`` float32 a stride.

        Args:
            photos: ``(B,)`` positions.
            mirrored: ``(B,)``, whose maps are to be mirrored: cells at multiples of the stride stay so.
        """
        records = torch.from_numpy(self._records[self._rows[photos], 0].astype(np.float32))
        maps, start = [], 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            activation = records[:, start : start + size].reshape(-1, *shape)
            start += size
            if mirrored is not None:
                turned = torch.from_numpy(mirrored)
                activation[turned] = activation[turned].flip(3)
            maps.append(activation)
        return maps


def mirrored_boxes(boxes: Tensor, width: int) -> Tensor:
    """Mirror boxes ``(N, 4)`` left to right in an image of so many pixels."""
    left, top, right, bottom = boxes.unbind(1)
    return torch.stack([width - right, top, width - left, bottom], dim=1)
