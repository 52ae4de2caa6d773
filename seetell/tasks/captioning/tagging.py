"""Tags for training: found once in every photo by a bundle's detectors, and cached beside the encoder's features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from seetell.data.feature_cache import FeatureCache
from seetell.data.records import PhotoRecord
from seetell.errors import RecipeError
from seetell.nn.backbones import Encoder, Features, Tags
from seetell.runtime.bundle import Bundle
from seetell.tasks import tagging
from seetell.training.batches import BatchIndices
from seetell.training.config import RunConfig
from seetell.training.features import FeatureSource


def tagger_bundle(config: RunConfig) -> Bundle:
    """Return the bundle that tags a run's photos: ``captioning.tagger``, or else ``init_from``.

    Raises:
        BundleError: it is no bundle, or damaged.
        RecipeError: neither is set, or it has no word detectors.
    """
    path = config.section.tagger or config.init_from
    if not path:
        raise RecipeError(
            f"captioning.tagger: {config.section.architecture} reads tags; name a bundle with word detectors, such as "
            "the bundled captioner"
        )
    return load_tagger_bundle(Path(path))


def load_tagger_bundle(folder: Path) -> Bundle:
    """Load a bundle that tags images with word detectors, too; see :func:`tagger_bundle` for errors."""
    bundle = Bundle.load(folder)
    if "word_detectors" not in bundle.graphs:
        raise RecipeError(f"captioning.tagger: {bundle.name} has no word detectors; name a bundle that tags its images")
    return bundle


class PhotoTagger(tagging.PhotoTagger):
    """A bundle's detectors as training of captioners uses them.

    Args:
        bundle: from :func:`tagger_bundle`.
        threads: processor threads to compute with.
    """

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        super().__init__(bundle, Tags._fields, threads=threads)

    def check(self, config: RunConfig, encoder: Encoder) -> None:
        """Check that a run's captioner reads these tags, and its encoder sees photos as that of the bundle does.

        Raises:
            RecipeError: it does not.
        """
        captioner = config.section.captioner
        for name, here in (("objects", self.objects), ("words", self.words)):
            if getattr(captioner, name) != len(here):
                raise RecipeError(
                    f"captioning.captioner.{name}: {self.bundle.name} tags photos with {len(here)} {name}, got "
                    f"{getattr(captioner, name)}"
                )
        read, size = self.bundle.description.get("encoder"), self.bundle.preprocessing
        if (config.encoder.name, encoder.preprocessing) != (read, size):
            raise RecipeError(
                f"captioning.tagger: the word detectors of {self.bundle.name} read features of {read} at "
                f"{size.width}×{size.height} pixels; use the same encoder.name and encoder.image_size"
            )


class TaggedRecords(NamedTuple):
    """What the features of a training batch are computed from, and its tags."""

    records: Any
    tags: Tags

    def to(self, device: torch.device) -> TaggedRecords:
        """Return the same on a device."""
        return TaggedRecords(self.records.to(device), Tags(*(part.to(device) for part in self.tags)))


class TaggedFeatures:
    """Features with tags; see :class:`~seetell.training.features.FeatureSource`.

    Args:
        source: of the features.
        tagger: that filled the cache.
        cache: holds the tags of every photo below.
        photos: by position, those of the source.
    """

    def __init__(
        self, source: FeatureSource, tagger: PhotoTagger, cache: FeatureCache, photos: Sequence[PhotoRecord]
    ) -> None:
        self._source, self._tagger = source, tagger
        self._records = cache.open()
        self._rows = cache.rows([photo.path for photo in photos])

    def prepare(self, indices: BatchIndices) -> TaggedRecords:
        """Read a training batch's records and tags."""
        tags = self._tags(indices.photos, indices.mirrored.astype(np.int64))
        return TaggedRecords(self._source.prepare(indices), tags)

    def features(self, prepared: TaggedRecords, /) -> Features:
        """Compute the features of a prepared batch."""
        return self._source.features(prepared.records)._replace(tags=prepared.tags)

    def batches(self, batch_size: int) -> Iterator[Features]:
        """Yield the features of all photos, unmirrored, in order and without gradients."""
        for number, features in enumerate(self._source.batches(batch_size)):
            chosen = np.arange(number * batch_size, number * batch_size + len(features.pooled))
            yield features._replace(tags=self._tags(chosen, np.zeros_like(chosen)))

    def _tags(self, photos: np.ndarray, views: np.ndarray) -> Tags:
        records = self._records[self._rows[photos], views].astype(np.float32)
        return Tags(**self._tagger.unpack(torch.from_numpy(records)))
