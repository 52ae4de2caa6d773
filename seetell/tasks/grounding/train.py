"""Training grounders, on a frozen aligner, and their validation: how many boxes and points are right."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data import read
from seetell.data.entities import read_entities
from seetell.data.entity_records import EntityDataset, EntityPhoto, PhotoPhrases, photo_phrases
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.geometry.boxes import flip_boxes
from seetell.metrics.localisation import LocalisationScores, LocatedPhrases, localisation
from seetell.nn.backbones import Features, weights_hash
from seetell.tasks.grounding.localisation import heatmap_peaks
from seetell.tasks.grounding.model import Grounder, build, grounding_loss
from seetell.tasks.grounding.phrase_targets import PhraseTargets, read_phrase_targets
from seetell.tasks.retrieval.config import RetrievalConfig
from seetell.tasks.retrieval.feature_cache import PreparedFeatureCache
from seetell.tasks.retrieval.models import build as build_aligner
from seetell.tasks.retrieval.models.tags import ObjectTags
from seetell.tasks.retrieval.tagging import cache_tags, open_tagger
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig, only
from seetell.training.encoding import Progress, features_cache
from seetell.training.loss_terms import Term
from seetell.training.preparation import training_splits
from seetell.training.run_folder import RunFolder
from seetell.training.task import Phase, Validation, seeded
from seetell.training.trained import Trained, load_trained

_SECTIONS = only(retrieval=RetrievalConfig)


@dataclass(frozen=True)
class _Split:
    """The photos of a split that can be opened and have phrases with boxes."""

    photos: list[EntityPhoto]
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
            [photo.path for split in splits for photo in split],
            with_grid=True,
            flips=config.data.flip,
            progress=on_encoding,
        )
        section, photos = self.aligner.config.section, [photo for split in splits for photo in split]
        opened = [photo for photo in photos if photo.path not in self.failures]
        self._tags = None
        if config.section.grounder.detections:
            self._tags = cache_tags(open_tagger(section), config, opened, progress=on_encoding)
        self.train, self.val = map(self._split, splits)
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
        return dataclasses.replace(entities, problems=problems)

    def _split(self, photos: Sequence[EntityPhoto]) -> _Split:
        opened = [photo for photo in photos if photo.path not in self.failures]
        most = self.config.data.max_words
        kept = [(photo, found) for photo in opened if (found := photo_phrases(photo, max_words=most)).spans]
        if not kept:
            raise DataError(
                f"{self.config.section.boxes}: training needs photos with boxes in the splits train and val of the data"
            )
        phrases = [phrases for _, phrases in kept]
        return _Split([photo for photo, _ in kept], phrases, read_phrase_targets(phrases, self.aligner))

    def begin(self, phase: Phase) -> None:
        """Whiten the cells of all photos once."""
        prepared = partial(
            PreparedFeatureCache, self._cells_and_detections, self._cache, device=torch.device("cpu"), tags=self._tags
        )
        self._train_cells = prepared(self.train.photos, views=2 if self.config.data.flip else 1)
        self._val_cells = prepared(self.val.photos, views=1)

    def _cells_and_detections(self, features: Features, tags: ObjectTags | None) -> tuple[Tensor, Tensor]:
        cells = self.aligner.model.whiten_cells(features)
        return cells, cells.new_zeros(len(cells), 0, 6) if tags is None else tags.detections

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, ...]:
        """Read cells and detections of photos, and phrases with their boxes and the cells that these cover."""
        targets, per_photo = self.train.targets, self.config.section.phrases_per_photo
        indices = self.draw(step, targets.counts, per_photo).part(part)
        rows = targets.rows(indices.photos, indices.captions)
        boxes, coverage = targets.boxes[rows], targets.coverage[rows].float()
        mirrored = torch.from_numpy(indices.mirrored)
        boxes[mirrored] = torch.from_numpy(flip_boxes(boxes[mirrored].numpy(), width=1))
        grids = coverage[mirrored].reshape(-1, per_photo, *self.encoder.grid_size)
        coverage[mirrored] = grids.flip(3).flatten(2)
        return *self._train_cells.prepare(indices), targets.vectors[rows].float(), boxes, coverage

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the weighted sum of the losses of heat maps, boxes and expected overlaps."""
        cells, detections, phrases, boxes, coverage = (part.to(self.device) for part in batch)
        return [Term(grounding_loss(self.grounder(cells, phrases, detections), boxes, coverage), len(cells))]

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


def predict_boxes(
    grounder: Grounder, images: Iterable[Sequence[Tensor]], targets: PhraseTargets, grid: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Locate all phrases of photos.

    Args:
        grounder: in evaluation mode.
        images: whitened features of each photo's cells, ``(1, L, components)``, and its detections, ``(1, K, 6)``, in
            the order of the targets' photos.
        targets: at least one phrase of each photo.
        grid: rows and columns.

    Returns:
        Boxes ``(M, 4)`` xyxy and points ``(M, 2)``, normalised to [0, 1].
    """
    device = grounder.place.device
    boxes, points = [], []
    vectors = torch.split(targets.vectors, targets.counts.tolist())
    with torch.inference_mode():
        for (cells, detections), phrases in zip(images, vectors, strict=True):
            output = grounder(cells.to(device), phrases[None].float().to(device), detections.to(device))
            boxes.append(output.chosen()[0][0].cpu().numpy())
            points.append(heatmap_peaks(output.heat[0].softmax(dim=1).reshape(-1, *grid).cpu().numpy()))
    return np.concatenate(boxes), np.concatenate(points)


def score_predictions(photos: Sequence[PhotoPhrases], boxes: np.ndarray, points: np.ndarray) -> LocalisationScores:
    """Score boxes ``(M, 4)`` and points ``(M, 2)``, normalised to [0, 1]."""
    phrases = LocatedPhrases.gather(photos)
    return localisation(phrases, boxes=boxes * np.tile(phrases.sizes, 2), points=points * phrases.sizes)
