"""Training classifiers on an encoder's pooled vector, and the encoder or a head for boxes with them if asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seetell.data.records import PhotoRecord
from seetell.errors import DataError, RecipeError
from seetell.geometry.boxes import flip_boxes, iou
from seetell.nn.backbones import Features, weights_hash
from seetell.runtime.bundle import Bundle
from seetell.tasks.classification.config import ClassificationConfig
from seetell.tasks.classification.data import LEAST_IOU, LabelledDataset, label_of
from seetell.tasks.classification.model import LinearClassifier, build
from seetell.training import task
from seetell.training.adaptation import read_target
from seetell.training.adaptation_methods import create_adaptation
from seetell.training.augmentation import mix_up
from seetell.training.batch_norms import estimate_batch_norms
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig, only
from seetell.training.encoding import Progress, features_cache
from seetell.training.features import CachedFeatures, FeatureSource, PixelFeatures, on_device, read_features
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of, readable, training_splits, unreadable
from seetell.training.run_folder import RunFolder
from seetell.training.task import Phase, Validation, seeded
from seetell.training.trained import load_beginning

VALIDATION_BATCH = 50
ESTIMATION_BATCHES = 16
FITTING_PHOTOS, FITTING_GRIDS = 1000, 200


class Training(task.Training):
    """A classifier; see :class:`~seetell.training.task.Training`."""

    part = "classifier"
    curves = ("top_1", "top_5", "localisation_error", "box_accuracy")
    vocabulary = None

    def __init__(
        self, config: RunConfig, dataset: LabelledDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section, labels = config.section, config.section.labels
        surplus = sorted(set(dataset.labels) - set(labels))
        if surplus:
            raise RecipeError(f"classification.labels: {dataset.source} has other classes too: {', '.join(surplus)}")
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, self._pretrained)
        encoder_hash = weights_hash(self.encoder.unadapted)
        self._with_grid = self.section.localise or self.section.head == "published"
        train, val = training_splits(config, dataset)
        target = read_target(config)
        paths = [photo.path for photo in dict.fromkeys((*train, *val, *target))]
        self._cache = None
        if config.encoder.cache and self.section.train_encoder_after != 0:
            self._cache, self.failures = features_cache(
                config.encoder.cache,
                self.encoder,
                paths,
                with_grid=self._with_grid,
                flips=config.data.flip,
                progress=on_encoding,
            )
        else:
            self.failures = unreadable(paths, on_encoding)
        self._train, self._val = readable(dataset.source, self.failures, train, val)
        target = tuple(photo for photo in target if photo.path not in self.failures)
        self.adaptation = create_adaptation(config, self.encoder, self._train, target, with_grid=self._with_grid)
        self.failures |= self.adaptation.fill_caches(on_encoding)
        missing = sorted(set(labels) - set(map(label_of, self._train)))
        if missing and config.adaptation.method != "adapters":
            raise DataError(
                f"{dataset.source}: no training images of {', '.join(missing)}; add some, or drop the class"
            )
        numbers = {label: number for number, label in enumerate(labels)}
        self._train_labels, self._val_labels = (
            torch.tensor([numbers[label_of(photo)] for photo in photos]) for photos in (self._train, self._val)
        )
        self._train_boxes, self._val_boxes = (
            torch.tensor([dataset.boxes[photo.id] for photo in photos if photo.id in dataset.boxes])
            for photos in (self._train, self._val)
        )  # (N, 4), or (0,) where only labels are learnt
        self.model = self.classifier = seeded(config, build, self.encoder, None).to(config.device)
        self._trains_encoder = False
        self.hashes = {
            "encoder_hash": encoder_hash,
            "data_hash": data_hash(
                [photo.id, label_of(photo), *dataset.boxes.get(photo.id, ())] for photo in (*self._train, *self._val)
            ),
            **self.adaptation.hashes,
        }

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in the labels of the data set, or of the model that adapters refine."""
        if config.section.labels:
            return config
        refines = config.adaptation.method == "adapters"
        labels = _labels_of(Path(config.init_from)) if refines else cls.read(config).labels
        section = dataclasses.replace(config.section, labels=labels)
        return dataclasses.replace(config, section=section)

    @classmethod
    def read(cls, config: RunConfig) -> LabelledDataset:
        """Read a folder of images per class, or photos with boxes."""
        dataset: LabelledDataset = config.section.read(config.data)
        return dataset

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The classifier, and the encoder if it is trained at some time."""
        modules: dict[str, nn.Module] = {"classifier": self.classifier}
        modules |= self.adaptation.added_modules()
        return modules | {"encoder": self.encoder} if self.section.train_encoder_after >= 0 else modules

    def initialise(self) -> None:
        """Fit the standardisation to training images spread over the whole split, and load what adapters refine."""
        self.adaptation.initialise(self._feature_source, pretrained=self._pretrained)
        if isinstance(self.classifier, LinearClassifier):
            batches = self._fitting_batches(FITTING_PHOTOS)
            self.classifier.norm.fit(torch.cat([features.pooled for features in batches]).to(self.device))
        if self.classifier.localiser is not None:
            grids = [features.grid for features in self._fitting_batches(FITTING_GRIDS) if features.grid is not None]
            self.classifier.localiser.fit(torch.cat(grids).to(self.device), self._train_boxes.to(self.device))
        if self._pretrained is not None and self.config.adaptation.method == "adapters":
            load_beginning(self.classifier, self.part, self._pretrained)

    def _fitting_batches(self, photos: int) -> Iterator[Features]:
        stride = -(-len(self._train) // photos)
        return self._feature_source(self._train[::stride]).batches(VALIDATION_BATCH)

    def phases(self) -> list[Phase]:
        """Return one phase or two: the classifier alone, then with the encoder."""
        section = self.section
        phases = self.model_then_encoder(
            after=section.train_encoder_after,
            frozen_stages=section.frozen_stages,
            optimiser=section.encoder_optimiser or self.config.optimiser,
        )
        return self.adaptation.added_to(phases)

    def begin(self, phase: Phase) -> None:
        """Freeze or unfreeze the encoder, and choose where features come from."""
        self._trains_encoder = self.unfreeze_encoder(phase) and not self.config.encoder.adapter
        self.model.requires_grad_(self.part in phase.optimisers)
        self._train_source = self.adaptation.source(self._feature_source(self._train))
        self.adaptation.begin(self._feature_source)
        self._val_source = self._feature_source(self._val)

    def _feature_source(self, photos: Sequence[PhotoRecord]) -> FeatureSource:
        if self._cache is not None and not self._trains_encoder:
            return CachedFeatures(self._cache, photos, read_features(self.encoder))
        data = self.config.data
        return PixelFeatures(self.encoder, photos, crop=data.crop, augmentation=data.augmentation)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, ...]:
        """Read records or pixels, labels, boxes where they are learnt, and what the adaptation reads."""
        indices = self.draw(step, np.ones(len(self._train), np.int64), 1).part(part)
        extra = self.adaptation.batch(step, indices, part)
        prepared, labels = self._train_source.prepare(indices), self._train_labels[torch.from_numpy(indices.photos)]
        if self.section.localise:
            boxes = self._train_boxes[torch.from_numpy(indices.photos)].numpy()
            mirrored = indices.mirrored[:, None]
            turned = np.where(mirrored, flip_boxes(boxes, width=1), boxes)
            return prepared, labels, torch.from_numpy(turned), *extra
        alpha = self.config.data.augmentation.mixup
        if not alpha:
            return prepared, labels, *extra
        targets = F.one_hot(labels, len(self.section.labels)).float()
        return mix_up(prepared, targets, alpha=alpha, seed=int(indices.seeds[0]))

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the cross-entropy, that of each auxiliary classifier, the loss of boxes, and what adaptation adds."""
        own, extra = self.adaptation.split(batch)
        prepared, labels, *boxes = (part.to(self.device) for part in own)
        section = self.section
        inner: dict[str, Tensor] = {}
        if section.auxiliary:
            features, inner = self.encoder.with_inner(prepared)
        else:
            features = self._train_source.features(prepared)
        losses, places = self._cross_entropy(self.classifier.of(features), labels), torch.arange(len(labels))
        loss = self.adaptation.mean(losses, places.to(self.device), extra)
        added = self.adaptation.terms(step, features, extra)
        terms = [Term(loss, len(labels), name="class_loss" if inner or boxes or added else ""), *added]
        for name, activation in inner.items():
            loss = self._cross_entropy(self.classifier.auxiliary[name](activation), labels).mean()
            terms.append(Term(loss, len(labels), section.auxiliary, f"{name}_loss"))
        if self.classifier.localiser is not None:
            numbers, targets = self.classifier.localiser(features.grid), self.classifier.localiser.targets(boxes[0])
            terms.append(Term(self._box_loss(numbers, targets), len(labels), section.box_weight, "box_loss"))
        return terms

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        smoothing = self.section.label_smoothing
        return F.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")  # (B,)

    def _box_loss(self, numbers: Tensor, targets: Tensor) -> Tensor:
        return (F.smooth_l1_loss if self.section.box_loss == "smooth_l1" else F.mse_loss)(numbers, targets)

    def validate(self) -> Validation:
        """Calibrate, and measure the loss and the shares of images whose label is first, or among the first five.

        Where boxes are learnt, also the localisation error: the share whose first label is wrong, or whose box has an
        intersection over union with the true one of less than a half (Russakovsky et al., ILSVRC, 2015).
        """
        if self.encoder.drops_paths and self.encoder.train_batch_norms and self._trains_encoder:
            images = (self.batch(step)[0] for step in range(ESTIMATION_BATCHES))
            estimate_batch_norms(self.encoder, (batch.to(self.device) for batch in images))
        logits, numbers = [], []
        with torch.no_grad():
            for features in self._val_source.batches(VALIDATION_BATCH):
                features = on_device(features, self.device)
                logits.append(self.classifier.of(features).cpu())
                if self.classifier.localiser is not None:
                    numbers.append(self.classifier.localiser(features.grid))
            calibrated = self.classifier.calibrate(torch.cat(logits), self._val_labels)
        loss = F.cross_entropy(calibrated, self._val_labels).item()
        best = calibrated.topk(min(5, calibrated.shape[1])).indices == self._val_labels[:, None]
        values = {"validation_loss": loss, "top_1": _share(best[:, 0]), "top_5": _share(best.any(dim=1))}
        if self.classifier.localiser is not None:
            boxes, found = self._val_boxes.to(self.device), torch.cat(numbers)
            box_loss = self._box_loss(found, self.classifier.localiser.targets(boxes)).item()
            overlap = iou(self.classifier.localiser.boxes(found).cpu().numpy(), self._val_boxes.numpy())
            right = torch.from_numpy(overlap >= LEAST_IOU)
            values |= {
                "validation_loss": loss + self.section.box_weight * box_loss,
                "localisation_error": 1 - _share(best[:, 0] & right),
                "box_accuracy": _share(right),
            }
        return Validation(-values["validation_loss"], values)


def _labels_of(path: Path) -> tuple[str, ...]:
    """Return the labels of the classifier of a run or a bundle."""
    run = RunFolder(path)
    if run.best.is_file():
        labels: tuple[str, ...] = run.load_config(only(classification=ClassificationConfig)).section.labels
        return labels
    return Bundle.load(path).require_labels()


def _share(hits: Tensor) -> float:
    return hits.double().mean().item()
