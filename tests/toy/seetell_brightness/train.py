"""What the training loop needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from seetell.data.records import PhotoDataset, PhotoRecord
from seetell.nn.backbones import weights_hash
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.features import PixelFeatures
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of, readable, training_splits
from seetell.training.task import Validation, seeded
from seetell_brightness.data import LABELS, read
from seetell_brightness.model import build


class Training(task.Training):
    """A linear layer on a frozen encoder; see :class:`~seetell.training.task.Training`."""

    part = "brightness"
    curves = ("accuracy",)
    vocabulary = None

    def __init__(
        self, config: RunConfig, dataset: PhotoDataset[PhotoRecord], *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.encoder = frozen_encoder(config, pretrained_of(config))
        train, val = readable(dataset.source, (), *training_splits(config, dataset))
        self.failures = {}
        self._train, self._val = (PixelFeatures(self.encoder, photos, crop=False) for photos in (train, val))
        self._train_labels, self._val_labels = (
            torch.tensor([LABELS.index(photo.captions[0]) for photo in photos]) for photos in (train, val)
        )
        self.model = seeded(config, build, self.encoder, None).to(config.device)
        self.hashes = {
            "encoder_hash": weights_hash(self.encoder),
            "data_hash": data_hash([photo.id, photo.captions] for photo in (*train, *val)),
        }

    @classmethod
    def read(cls, config: RunConfig) -> PhotoDataset[PhotoRecord]:
        """Read a folder of images."""
        return read(Path(config.data.path))

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Read pixels and labels; which, follows from the seed and the step alone."""
        indices = self.draw(step, np.ones(len(self._train_labels), np.int64), 1).part(part)
        return self._train.prepare(indices), self._train_labels[torch.from_numpy(indices.photos)]

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the cross-entropy."""
        images, labels = (part.to(self.device) for part in batch)
        with torch.no_grad():
            pooled = self._train.features(images).pooled
        return [Term(F.cross_entropy(self.model(pooled), labels), len(labels))]

    def validate(self) -> Validation:
        """Measure loss and accuracy; the weights with the lowest loss are kept."""
        with torch.no_grad():
            logits = torch.cat([self.model(features.pooled).cpu() for features in self._val.batches(50)])
        loss = F.cross_entropy(logits, self._val_labels).item()
        accuracy = (logits.argmax(dim=1) == self._val_labels).double().mean().item()
        return Validation(-loss, {"validation_loss": loss, "accuracy": accuracy})
