"""Tags of photos for training: found once by a bundle's graphs, and cached beside the encoder's features."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seetell.data.feature_cache import FeatureCache
from seetell.runtime.bundle import Bundle
from seetell.runtime.file_hashes import file_hash
from seetell.runtime.sessions import Graph
from seetell.runtime.tags import MIN_DETECTION_SCORE, TAGGING_GRAPHS, ImageTagger
from seetell.training.encoding import Progress


class PhotoTagger:
    """The graphs of a bundle that tag images, as training uses them.

    Attributes:
        bundle: tags the images.
        features: shape of each feature of an image, by name, in the order in which records hold them.
        objects: names of the object classes.
        words: the words that are detected.
        preprocessings: how images are prepared for its networks.

    Args:
        bundle: tags images; its own encoder is used where word detectors are, which read its features.
        names: features to record; see :meth:`seetell.runtime.tags.ImageTags.named`.
        threads: processor threads to compute with.

    Raises:
        BundleError: a graph is damaged or absent.
    """

    def __init__(self, bundle: Bundle, names: Sequence[str], *, threads: int) -> None:
        self.bundle, self._names = bundle, tuple(names)
        self._tagger = ImageTagger(bundle, threads=threads, min_score=MIN_DETECTION_SCORE)
        self.objects, self.words = self._tagger.objects, self._tagger.words
        self._encoder = Graph.open(bundle, "encoder", threads=threads) if {"words", "presence"} & set(names) else None
        ways = () if self._encoder is None else (bundle.preprocessing,)
        self.preprocessings = tuple(dict.fromkeys((*ways, *self._tagger.preprocessings)))
        nothing = [np.zeros((1, 3, way.height, way.width), np.float32) for way in self.preprocessings]
        self.features = {name: found.shape[1:] for name, found in self.tag(*nothing).items()}

    @property
    def hash(self) -> str:
        """SHA-256 of the graphs that are used, and of what is recorded, by which a cache knows what filled it."""
        used = [name for name in TAGGING_GRAPHS if name in self.bundle.graphs]
        used += [] if self._encoder is None else ["encoder"]
        parts = [*self._names, *(file_hash(self.bundle.graph(name)) for name in used)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def cache(
        self, folder: str, photos: Sequence[Path], *, flips: bool, progress: Progress
    ) -> tuple[FeatureCache, dict[Path, str]]:
        """Tag photos that are not in the cache yet; see :func:`~seetell.training.encoding.features_cache`."""
        size = sum(int(np.prod(shape)) for shape in self.features.values())
        cache = FeatureCache(
            folder, weights_hash=self.hash, preprocessing=self.preprocessings, shape=(size,), flips=flips
        )
        return cache, cache.fill(photos, self._encode, progress=progress)

    def unpack(self, records: Tensor) -> dict[str, Tensor]:
        """Return the features of cached records ``(B, …)``, by name."""
        sizes = [int(np.prod(shape)) for shape in self.features.values()]
        parts = torch.split(records, sizes, dim=1)
        named = zip(self.features.items(), parts, strict=True)
        return {name: part.reshape(len(part), *shape) for (name, shape), part in named}

    def tag(self, *images: np.ndarray) -> dict[str, np.ndarray]:
        """Tag images, prepared in each of :attr:`preprocessings`.

        Returns:
            The features by name, ``(B, …)`` float32.
        """
        prepared = dict(zip(self.preprocessings, images, strict=True))
        pooled = None
        if self._encoder is not None:
            (pooled,) = self._encoder.run({"images": prepared[self.bundle.preprocessing]}, ["pooled"])
        found = self._tagger(prepared, pooled).named()
        return {name: found[name] for name in self._names}

    def _encode(self, *images: np.ndarray) -> np.ndarray:
        """Return records ``(B, …)``: the features one after another."""
        found = self.tag(*images).values()
        return np.concatenate([feature.reshape(len(feature), -1) for feature in found], axis=1)


class CachedTags:
    """The tags of photos, as a tagger cached them.

    Args:
        tagger: that filled the cache.
        cache: of the tags.
    """

    def __init__(self, tagger: PhotoTagger, cache: FeatureCache) -> None:
        self._tagger, self._cache, self._records = tagger, cache, cache.open()

    def read(self, photos: Sequence[Path], views: np.ndarray | int) -> dict[str, Tensor]:
        """Return the features of photos, by name, ``(B, …)``.

        Args:
            photos: files, all in the cache.
            views: of all or of each ``(B,)``; 1 is the mirrored photo.
        """
        records = self._records[self._cache.rows(photos), views].astype(np.float32)
        return self._tagger.unpack(torch.from_numpy(records))
