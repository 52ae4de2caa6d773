"""Photos and copies of them as the captioner reads them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from copies import COMMON, half, saved
from corpus import Corpus
from make_features import FeatureWriter
from pack import object_tags
from torch import Tensor
from word_detectors import WordDetectors

from seetell.nn.backbones import Features, Tags

VERSIONS = 3
"""Of every photo: itself, at half its width and height, and saved in one of the common formats."""


class DetectorInputs(NamedTuple):
    """What word detectors read of ``N`` images, as arguments of :class:`WordDetectors`.

    Attributes:
        pooled: ``(N, 1280)``.
        imagenet: ``(N, 1000)``.
        objects: ``(N, 80)``.
        object_boxes: ``(N, 80, 5)``.
    """

    pooled: Tensor
    imagenet: Tensor
    objects: Tensor
    object_boxes: Tensor


class PhotoVersions:
    """The first photos of a set in :data:`VERSIONS`.

    Attributes:
        count: photos.

    Args:
        corpus: the pack.
        name: of the set.
        count: the most photos.
        writer: of features.
        device: to compute on.
    """

    def __init__(self, corpus: Corpus, name: str, count: int, writer: FeatureWriter, device: torch.device) -> None:
        random, self._device = np.random.default_rng(len(name)), device
        self.count = min(count, len(corpus.sets[name]))
        found = []
        for row in range(self.count):
            photo = corpus.photo(name, row)
            format, quality = COMMON[random.integers(len(COMMON))]
            versions = [photo, half(photo), saved(photo, format, quality=quality)]
            one, other = (np.stack([way(each) for each in versions]) for way in writer.preprocessings)
            objects, boxes = (part[:, 0] for part in object_tags(versions, threads=1))
            found.append((*writer.encode((one, other)), objects, boxes))
        self._grid, self._imagenet, self._objects, self._boxes = (np.stack(part) for part in zip(*found, strict=True))
        self._words = self._presence = np.zeros(0, np.float32)

    def detector_inputs(self, version: int) -> DetectorInputs:
        """Return what word detectors read of all photos in a version."""
        pooled = np.stack([grid.astype(np.float32).mean(axis=0) for grid in self._grid[:, version]])
        parts = pooled, self._imagenet[:, version], self._objects[:, version], self._boxes[:, version]
        return DetectorInputs(*(torch.from_numpy(part).to(self._device) for part in parts))

    @torch.no_grad()
    def detect(self, detectors: WordDetectors) -> None:
        """Find words and presence, without which there are no :meth:`features`."""
        found = [detectors(*self.detector_inputs(version)) for version in range(VERSIONS)]
        self._words, self._presence = (torch.stack(part, dim=1).cpu().numpy() for part in zip(*found, strict=True))

    def features(self, rows: np.ndarray, versions: np.ndarray) -> Features:
        """Return everything that the captioner reads of photos ``(B,)``, each in one version."""
        grid = torch.from_numpy(self._grid[rows, versions]).to(self._device).float()
        parts = self._objects, self._boxes, self._words, self._presence
        tags = Tags(*(torch.from_numpy(part[rows, versions]).to(self._device) for part in parts))
        return Features(grid.mean(dim=1), grid, tags)
