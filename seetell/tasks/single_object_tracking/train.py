"""Training Siamese networks on the maps of a frozen encoder, of pairs that are drawn once."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seetell.data.objects import read_objects
from seetell.data.records import ObjectDataset
from seetell.errors import DataError
from seetell.geometry.boxes import iou
from seetell.nn.backbones import weights_hash
from seetell.tasks.single_object_tracking.config import SingleObjectTrackingConfig
from seetell.tasks.single_object_tracking.models import NETWORKS, build
from seetell.tasks.single_object_tracking.models.siamese import SiameseNetwork
from seetell.tasks.single_object_tracking.pair_features import PairBatch, PairFeatures
from seetell.tasks.single_object_tracking.pairs import FilmPairs, PairSource, PhotoPairs, read_films
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, encoder_and_model, training_splits
from seetell.training.task import Validation

VALIDATION_BATCH = 50
MOST_FRAMES = 400
"""Of each film, which are kept in memory."""

FITTING_PAIRS = 200


class Films:
    """Films to train on, as a data set.

    Attributes:
        source: their file or folder.
        remarks: none.
        frames: of each film, ``(N, H, W, 3)`` uint8.
    """

    remarks = ()

    def __init__(self, source: Path) -> None:
        if not source.exists():
            raise DataError(f"{source}: expected a film or a folder of films; there is none")
        self.source, self.frames = source, read_films(source, most=MOST_FRAMES)


class Training(task.Training):
    """A Siamese network; see :class:`~seetell.training.task.Training`."""

    part = "tracker"
    curves = ("overlap", "precision_20px")
    vocabulary = None
    model: SiameseNetwork

    def __init__(
        self, config: RunConfig, dataset: ObjectDataset | Films, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section: SingleObjectTrackingConfig = config.section
        self.encoder, self.model = encoder_and_model(config, build, self.part)
        self.failures = {}
        counts = self.section.pairs.count, config.validation.photos
        sources, identity = self._sources(dataset)
        self._train, self._val = (
            PairFeatures(
                source,
                range(count),
                self.encoder,
                self.model.strides,
                exemplar_cells=self.model.exemplar_cells,
                folder=config.encoder.cache,
                identity=[split, identity, asdict(self.section.pairs), config.seed],
                progress=on_encoding,
            )
            for split, source, count in zip(("train", "val"), sources, counts, strict=True)
        )
        self.hashes = {"encoder_hash": weights_hash(self.encoder), "data_hash": identity}

    @classmethod
    def read(cls, config: RunConfig) -> ObjectDataset | Films:
        """Read photos with boxes, or films."""
        data, learns_from = config.data, NETWORKS[config.section.model][1].learns_from
        if learns_from == "films":
            return Films(Path(data.path))
        return read_objects(data.path, captions=data.captions, details=learns_from == "outlines", **data.reading)

    def _sources(self, dataset: ObjectDataset | Films) -> tuple[list[PairSource], str]:
        """Return what makes the pairs to train and to validate on, and what identifies it."""
        side, seed, pairs = self.encoder.preprocessing.height, self.config.seed, self.section.pairs
        if isinstance(dataset, Films):
            parts = [[film[: -(-len(film) * 9 // 10)] for film in dataset.frames], dataset.frames]
            identity = data_hash([str(dataset.source), [list(film.shape) for film in dataset.frames]])
            return [
                FilmPairs(films, pairs, side=side, seed=seed + number) for number, films in enumerate(parts)
            ], identity
        splits = [dataset.split("train"), dataset.split("val")]
        if not all(splits):
            training_splits(self.config, dataset)  # says which split has none
        outlines = self.model.learns_from == "outlines"
        sources: list[PairSource] = [
            PhotoPairs(dataset, photos, pairs, side=side, seed=seed + number, outlines=outlines)
            for number, photos in enumerate(splits)
        ]
        return sources, data_hash([photo.id, photo.boxes] for photos in splits for photo in photos)

    def initialise(self) -> None:
        """Fit the standardisation to some windows."""
        some = self._train.read(np.arange(min(FITTING_PAIRS, len(self._train))))
        self.model.embedding.fit([each.to(self.device) for each in some.window])

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Read the maps of pairs."""
        indices = self.draw(step, np.ones(len(self._train), np.int64), 1).part(part)
        return (self._train.read(indices.photos),)

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the network's losses."""
        pairs: PairBatch = batch[0].to(self.device)
        embed = self.model.embedding
        losses = self.model.losses(embed(pairs.exemplar), embed(pairs.window), pairs.targets)
        return [Term(mean, count, 1.0, f"{name}_loss") for name, (mean, count) in losses.items()]

    def validate(self) -> Validation:
        """Locate the objects of validation pairs; the score is the mean overlap, or consistency without true boxes."""
        overlaps, near, losses = [], [], []
        with torch.no_grad():
            for first in range(0, len(self._val), VALIDATION_BATCH):
                places = np.arange(first, min(first + VALIDATION_BATCH, len(self._val)))
                pairs = self._val.read(places).to(self.device)
                exemplar, window = self.model.embedding(pairs.exemplar), self.model.embedding(pairs.window)
                terms = self.model.losses(exemplar, window, pairs.targets).values()
                losses.append(float(sum(mean for mean, _ in terms)) * len(places))
                found = self.model.locate(exemplar, window, pairs.targets.sizes)
                here, true = pairs.targets.present, pairs.targets.boxes
                overlaps.append(iou(found[here].cpu().numpy(), true[here].cpu().numpy()))
                distance = (found[here, :2] + found[here, 2:] - true[here, :2] - true[here, 2:]).div(2).norm(dim=1)
                near.append((distance <= 20).float().cpu().numpy())
        loss = sum(losses) / len(self._val)
        if self.model.learns_from == "films":
            return Validation(-loss, {"validation_loss": loss})
        values = {"overlap": np.concatenate(overlaps).mean(), "precision_20px": np.concatenate(near).mean()}
        scores = {name: float(value) for name, value in values.items()}
        return Validation(scores["overlap"], {**scores, "validation_loss": loss})
