"""Training grounders, on a frozen aligner."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_phrases import PhotoPhrases, photo_phrases
from seetell.data.entity_records import EntityDataset
from seetell.data.records import PhotoRecord
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.geometry.boxes import flip_boxes
from seetell.nn.backbones import weights_hash
from seetell.tasks.grounding.models import build
from seetell.tasks.grounding.models.losses import grounding_loss
from seetell.tasks.grounding.phrase_targets import PhraseTargets, read_phrase_targets
from seetell.tasks.grounding.validation import predict_boxes, score_predictions
from seetell.tasks.retrieval.config import RetrievalConfig
from seetell.tasks.retrieval.feature_cache import WhitenedFeatureCache
from seetell.tasks.retrieval.models import build as build_aligner
from seetell.training import task
from seetell.training.batches import sample_batch_indices
from seetell.training.config import RunConfig, only
from seetell.training.encoding import Progress, features_cache
from seetell.training.preparation import training_splits
from seetell.training.run_folder import RunFolder
from seetell.training.task import Phase, Validation, seeded
from seetell.training.trained import Trained, load_trained

_SECTIONS = only(retrieval=RetrievalConfig)


@dataclass(frozen=True)
class _Split:
    """The photos of a split that can be opened and have phrases with boxes."""

    photos: list[PhotoRecord]
    phrases: list[PhotoPhrases]
    targets: PhraseTargets


class Training(task.Training):
    """A grounder; see :class:`~seetell.training.task.Training`."""

    part = "grounder"
    curves = ("R@1", "pointing")
    loss_unit = "weighted sum"

    def __init__(
        self, config: RunConfig, dataset: EntityDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.aligner = load_trained(Path(config.init_from), build_aligner, _SECTIONS)
        self.encoder, self.vocabulary = self.aligner.encoder, self.aligner.vocabulary
        splits = training_splits(config, dataset)
        self._cache, self.failures = features_cache(
            config.encoder.cache,
            self.encoder,
            [photo.photo.path for split in splits for photo in split],
            with_grid=True,
            flips=config.data.flip,
            progress=on_encoding,
        )
        self.train, self.val = (
            self._split(
                [
                    (photo.photo, photo_phrases(photo, max_words=config.data.max_words))
                    for photo in split
                    if photo.photo.path not in self.failures
                ]
            )
            for split in splits
        )
        self.model = self.grounder = seeded(config, build, self.encoder, self.vocabulary).to(config.device)
        assert self.vocabulary is not None
        self.hashes = {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": self.aligner.metadata["encoder_hash"],
            "aligner_hash": weights_hash(self.aligner.model),
            "phrases_hash": self._phrases_hash(),
        }

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in data, encoder and the aligner's sizes from the aligner's run.

        Raises:
            CheckpointError: there is no such run.
            RecipeError: its aligner compares whole photos only.
        """
        aligner = RunFolder(Path(config.init_from)).load_config(_SECTIONS)
        if aligner.section.aligner.similarity == "global":
            raise RecipeError(
                f"init_from: {config.init_from} compares whole photos only; expected one that compares words"
            )
        section = dataclasses.replace(config.section, aligner=aligner.section.aligner)
        return dataclasses.replace(config, data=aligner.data, encoder=aligner.encoder, section=section)

    @classmethod
    def read(cls, config: RunConfig) -> EntityDataset:
        """Read the phrases and boxes of the aligner's photos."""
        captions = read(config.data.path, **config.data.reading)
        entities = read_entities(config.section.boxes, captions)
        problems = (*captions.problems, *entities.problems)
        return dataclasses.replace(entities, problems=problems, notes=captions.notes)

    def _split(self, photos: list[tuple[PhotoRecord, PhotoPhrases]]) -> _Split:
        kept = [(photo, phrases) for photo, phrases in photos if phrases.spans]
        if not kept:
            raise DataError(
                f"{self.config.section.boxes}: training needs photos with boxes in the splits train and val of the data"
            )
        phrases = [phrases for _, phrases in kept]
        return _Split([photo for photo, _ in kept], phrases, read_phrase_targets(phrases, self.aligner))

    def begin(self, phase: Phase) -> None:
        """Whiten the cells of all photos once."""
        whitened = partial(
            WhitenedFeatureCache, self.aligner.model.whiten_cells, self._cache, device=torch.device("cpu")
        )
        self._train_cells = whitened(self.train.photos, views=2 if self.config.data.flip else 1)
        self._val_cells = whitened(self.val.photos, views=1)

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Read cells of photos, and phrases with their boxes and the cells that these cover."""
        config, targets, per_photo = self.config, self.train.targets, self.config.section.phrases_per_photo
        indices = sample_batch_indices(
            step,
            seed=config.seed,
            caption_counts=targets.counts,
            batch_size=config.batch_size,
            captions_per_photo=per_photo,
            flip=config.data.flip,
        )
        rows = targets.rows(indices.photos, indices.captions)
        boxes, coverage = targets.boxes[rows], targets.coverage[rows].float()
        mirrored = torch.from_numpy(indices.mirrored)
        boxes[mirrored] = torch.from_numpy(flip_boxes(boxes[mirrored].numpy(), width=1))
        grids = coverage[mirrored].reshape(-1, per_photo, *self.encoder.grid_size)
        coverage[mirrored] = grids.flip(3).flatten(2)
        return self._train_cells.prepare(indices), targets.vectors[rows].float(), boxes, coverage

    def loss(self, step: int, batch: tuple[Any, ...]) -> tuple[Tensor, dict[str, float]]:
        """Return the weighted sum of the losses of heat maps, boxes and expected overlaps."""
        cells, phrases, boxes, coverage = (part.to(self.device) for part in batch)
        return grounding_loss(self.grounder(cells, phrases), boxes, coverage), {}

    def validate(self) -> Validation:
        """Measure how many boxes and points are right; their sum is the score."""
        cells = self._val_cells.batches(1)
        predictions = predict_boxes(self.grounder, cells, self.val.targets, self.encoder.grid_size)
        scores = score_predictions(self.val.phrases, *predictions).overall
        values = {"R@1": scores.recall or 0.0, "pointing": scores.pointing or 0.0}
        total = sum(values.values())
        return Validation(total, values | {"sum": total})

    def _phrases_hash(self) -> str:
        digest = hashlib.sha256()
        for split in (self.train, self.val):
            for photo, phrases in zip(split.photos, split.phrases, strict=True):
                digest.update(repr((photo.id, phrases.sentences, phrases.spans)).encode())
            digest.update(split.targets.boxes.numpy().tobytes())
        return digest.hexdigest()


def check_aligner(grounder: Trained, aligner: Trained) -> None:
    """Check that a grounder was trained for an aligner.

    Raises:
        CheckpointError: it was not.
    """
    if grounder.metadata["aligner_hash"] != weights_hash(aligner.model):
        raise CheckpointError(
            f"{grounder.config.name} was trained for another aligner than {aligner.config.name}, or for other weights "
            "of it; train it again"
        )
