"""Training detectors, on a frozen encoder's cached maps or together with the encoder."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data.objects import read_objects
from seetell.data.records import ObjectDataset, ObjectPhoto
from seetell.errors import DataError, RecipeError
from seetell.geometry.boxes import boxes_of, flip_boxes, nms_per_class
from seetell.metrics.detection import MAX_DETECTIONS, Detection, detection_average_precision
from seetell.nn.backbones import weights_hash
from seetell.tasks.detection.branch_training import branch_training
from seetell.tasks.detection.given_proposals import given_proposals
from seetell.tasks.detection.models import build, network_type
from seetell.tasks.detection.models.detector import Candidates, Targets
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress, feature_maps_cache
from seetell.training.feature_maps import (
    CachedMaps,
    FeatureMapCache,
    MapSource,
    PixelMaps,
    Pixels,
    map_shapes,
    spread_maps,
)
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of, readable, training_splits, unreadable
from seetell.training.task import Phase, Validation, seeded

BATCH = 10
FITTING_PHOTOS = 100
LEAST_SCORE = 0.01
"""Of the objects that validation looks at."""


class Training(task.PhasedTraining):
    """A detector; see :class:`~seetell.training.task.Training`."""

    part = "detector"
    curves = ("AP50", "AP")
    vocabulary = None

    def __init__(
        self, config: RunConfig, dataset: ObjectDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section = config.section
        surplus = sorted(set(dataset.classes) - set(self.section.classes))
        if surplus:
            raise RecipeError(f"detection.classes: {dataset.source} has other classes too: {', '.join(surplus)}")
        self.encoder = frozen_encoder(config, pretrained_of(config))
        encoder_hash = weights_hash(self.encoder)
        train, val = training_splits(config, dataset)
        paths = list(dict.fromkeys(photo.path for photo in (*train, *val)))
        self._cache = None
        network = network_type(self.section.model)
        self._branch = branch_training(network.finds, self.section, self.encoder.preprocessing)
        if config.encoder.cache and self.section.train_encoder_after != 0 and not network.reads_pixels:
            self._cache, self.failures = feature_maps_cache(
                config.encoder.cache, self.encoder, paths, strides=self.section.strides, progress=on_encoding
            )
        else:
            self.failures = unreadable(paths, on_encoding)
        self._train, self._val = readable(dataset.source, self.failures, train, val)
        if not any(photo.boxes for photo in self._train):
            raise DataError(f"{dataset.source}: none of the photos to train on has a box")
        self.model = self.detector = seeded(config, build, self.encoder, None).to(config.device)
        unread = sorted(set(self.detector.strides) - set(self.section.strides))
        if unread:
            raise RecipeError(f"detection.strides: {self.section.model} reads the maps at {unread} too; add them")
        self._train_targets, self._val_targets = (self._targets(photos) for photos in (self._train, self._val))
        self._train_proposals = self._proposals(self._train, self._drawn(), on_encoding)
        self._val_proposals = self._proposals(self._val, range(len(self._val)), on_encoding)
        self._trains_encoder = False
        self.hashes = {
            "encoder_hash": encoder_hash,
            "data_hash": data_hash([photo.id, photo.boxes, photo.classes] for photo in (*self._train, *self._val)),
        }

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in the classes and key points of the data set."""
        section = config.section
        if section.classes and (section.key_points.names or network_type(section.model).finds != "key_points"):
            return config
        dataset = cls.read(config)
        section = dataclasses.replace(
            section,
            classes=section.classes or dataset.classes,
            key_points=section.key_points if section.key_points.names else dataset.key_points,
        )
        return dataclasses.replace(config, section=section)

    @classmethod
    def read(cls, config: RunConfig) -> ObjectDataset:
        """Read photos with boxes, and what a branch learns."""
        details = bool(network_type(config.section.model).finds)
        return read_objects(config.data.path, captions=config.data.captions, details=details, **config.data.reading)

    @property
    def compiled(self) -> list[nn.Module]:
        """None: boxes differ in number from step to step."""
        return []

    def initialise(self) -> None:
        """Fit the standardisation to training photos spread over the whole split."""
        source = self._source(self._train)
        self.detector.fit(spread_maps(source, len(self._train), most=FITTING_PHOTOS, device=self.device))

    def begin(self, phase: Phase) -> None:
        """Freeze or unfreeze the encoder."""
        self._trains_encoder = self.unfreeze_encoder(phase)
        self._train_source, self._val_source = self._source(self._train), self._source(self._val)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Read feature maps or pixels, boxes and classes."""
        indices = self.draw(step, np.ones(len(self._train), np.int64), 1).unique_photos().part(part)
        chosen = list(zip(indices.photos, indices.mirrored, strict=True))
        boxes = [self._turned(self._train_targets.boxes[photo], mirrored) for photo, mirrored in chosen]
        labels = [self._train_targets.labels[photo] for photo, _ in chosen]
        given = self._train_proposals
        proposals = None if given is None else [self._turned(given[photo], mirrored) for photo, mirrored in chosen]
        details = None
        if self._branch is not None:
            details = [self._branch.targets(self._train[photo], mirrored=bool(mirrored)) for photo, mirrored in chosen]
        return self._train_source.read(indices.photos, indices.mirrored), boxes, labels, proposals, details

    def _turned(self, boxes: Tensor, mirrored: bool) -> Tensor:
        """Return the boxes of a photo that is perhaps mirrored."""
        width = self.encoder.preprocessing.width
        return torch.from_numpy(flip_boxes(boxes.numpy(), width=width)) if mirrored else boxes

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the detector's losses."""
        inputs, boxes, labels, *others = batch
        given, details = (None if each is None else self.placed(each) for each in others)
        targets = Targets(self.placed(boxes), self.placed(labels), details)
        losses = self.detector.losses(self._train_source.maps(self.placed(inputs)), targets, given)
        return [Term(mean, count, 1.0, f"{name}_loss") for name, (mean, count) in losses.items()]

    def validate(self) -> Validation:
        """Measure COCO's average precision; that at an overlap of one half is the score, with a branch that of both."""
        truth, found = {}, {}
        branch = None if self._branch is None else self._branch.validation(self.detector)
        source, proposals = self._val_source, self._val_proposals
        for rows in _batches(len(self._val)):
            with torch.inference_mode():
                given = None if proposals is None else self.placed([proposals[row] for row in rows.tolist()])
                maps = source.maps(self.placed(source.read(rows)))
                candidates = self.detector.detect(maps, given)
            for row, each in zip(rows.tolist(), candidates, strict=True):
                photo = self._val[row]
                true = zip(photo.classes, self._val_targets.boxes[row].tolist(), strict=True)
                truth[photo.id] = [Detection(name, (x0, y0, x1, y1)) for name, (x0, y0, x1, y1) in true]
                found[photo.id] = detections(each, self.section.classes, nms_iou=self.section.nms_iou)
            if branch is not None:
                photos = [self._val[row] for row in rows]
                branch.add(maps, photos, [found[photo.id] for photo in photos])
        scores = detection_average_precision(truth, found)
        values = {"AP50": scores.ap50, "AP": scores.ap}
        if branch is None:
            return Validation(scores.ap50, values)
        own = branch.scores()
        return Validation(scores.ap50 + own.ap50, values | {branch.name: own.ap, f"{branch.name}50": own.ap50})

    def _targets(self, photos: Sequence[ObjectPhoto]) -> Targets:
        """Return boxes in pixels of the encoder's input, which the photo fills, and classes by number."""
        size = self.encoder.preprocessing
        scale = torch.tensor([size.width, size.height, size.width, size.height], dtype=torch.float32)
        numbers = {name: number for number, name in enumerate(self.section.classes)}
        return Targets(
            [torch.tensor(photo.boxes, dtype=torch.float32).reshape(-1, 4) * scale for photo in photos],
            [torch.tensor([numbers[name] for name in photo.classes], dtype=torch.int64) for photo in photos],
        )

    def _drawn(self) -> Sequence[int]:
        """Return the positions of the training photos that the run will see; of a run without an end, all."""
        steps, counts = self.config.steps, np.ones(len(self._train), np.int64)
        if steps == -1 or steps * self.config.batch_size >= len(self._train) or not self.detector.proposals_given:
            return range(len(self._train))
        drawn = np.concatenate([self.draw(step, counts, 1).photos for step in range(steps)])
        return np.unique(drawn).tolist()  # type: ignore[no-any-return]

    def _proposals(
        self, photos: Sequence[ObjectPhoto], wanted: Sequence[int], progress: Progress
    ) -> dict[int, Tensor] | None:
        """Return the boxes of selective search of some photos, by position, where the detector wants them."""
        if not self.detector.proposals_given:
            return None
        found = given_proposals(
            self.config.encoder.cache or ".cache/features",
            [photos[place].path for place in wanted],
            self.section.selective_search,
            self.encoder.preprocessing,
            progress=progress,
        )
        return {place: torch.from_numpy(boxes) for place, boxes in zip(wanted, found, strict=True)}

    def _source(self, photos: Sequence[ObjectPhoto]) -> MapSource:
        paths, strides = [photo.path for photo in photos], self.section.strides
        if self.detector.reads_pixels:
            return Pixels(self.encoder, paths, ())
        if self._cache is None or self._trains_encoder:
            return PixelMaps(self.encoder, paths, self.detector.strides)
        read = [strides.index(stride) for stride in self.detector.strides]
        return CachedMaps(FeatureMapCache(self._cache, paths, map_shapes(self.encoder, strides), read=read))


def detections(candidates: Candidates, classes: Sequence[str], *, nms_iou: float) -> list[Detection]:
    """Return the objects among an image's candidates, in pixels of the encoder's input, highest score first."""
    scores, boxes = (each.numpy(force=True) for each in candidates)
    rows, labels = nms_per_class(boxes, scores, threshold=LEAST_SCORE, iou_threshold=nms_iou, max_boxes=MAX_DETECTIONS)
    return [
        Detection(classes[label], (x0, y0, x1, y1), float(scores[row, label]))
        for row, label, (x0, y0, x1, y1) in zip(rows, labels, boxes_of(boxes, rows, labels).tolist(), strict=True)
    ]


def _batches(count: int) -> Iterator[np.ndarray]:
    """Yield the positions of photos in small batches."""
    for start in range(0, count, BATCH):
        yield np.arange(start, min(start + BATCH, count))
