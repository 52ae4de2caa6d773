"""Training DeepPose: an encoder and a head, on persons in boxes that are moved and stretched."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from PIL import Image

from seetell.data.objects import read_objects
from seetell.data.records import ObjectDataset
from seetell.errors import DataError
from seetell.geometry.key_points import mirror_points
from seetell.nn.backbones import weights_hash
from seetell.photos import open_photo
from seetell.tasks.pose.model import build, squared_distances
from seetell.tasks.pose.persons import Person, cut_out, framed, persons_of, points_within
from seetell.tasks.pose.scores import pose_scores
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of, readable, training_splits, unreadable
from seetell.training.task import Validation, seeded
from seetell.training.trained import load_beginning

VALIDATION_BATCH = 32


class Training(task.JointTraining):
    """A pose; see :class:`~seetell.training.task.Training`."""

    part = "poser"
    curves = ("PDJ", "PCP")
    vocabulary = None

    def __init__(
        self, config: RunConfig, dataset: ObjectDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section = config.section
        self.frozen_stages, self.encoder_optimiser = self.section.frozen_stages, self.section.encoder_optimiser
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, self._pretrained)
        encoder_hash = weights_hash(self.encoder)
        train, val = training_splits(config, dataset)
        self.failures = unreadable(list(dict.fromkeys(photo.path for photo in (*train, *val))), on_encoding)
        read = readable(dataset.source, self.failures, train, val)
        self._train, self._val = (persons_of(photos, self.section.label) for photos in read)
        if not self._train or not self._val:
            raise DataError(
                f"{dataset.source}: expected objects of the class {self.section.label!r} with marked key points, to "
                "train on and to validate"
            )
        self.model = seeded(config, build, self.encoder, None).to(config.device)
        self.hashes = {
            "encoder_hash": encoder_hash,
            "data_hash": data_hash(
                [person.id, person.box, person.points.tolist()] for person in (*self._train, *self._val)
            ),
        }

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in the key points of the data set."""
        if config.section.key_points.names:
            return config
        dataset = cls.read(config)
        if not dataset.key_points.names:
            raise DataError(f"{dataset.source}: has no key points; expected COCO's person_keypoints_*.json")
        section = dataclasses.replace(config.section, key_points=dataset.key_points)
        return dataclasses.replace(config, section=section)

    @classmethod
    def read(cls, config: RunConfig) -> ObjectDataset:
        """Read photos with boxes and key points."""
        return read_objects(config.data.path, captions=config.data.captions, details=True, **config.data.reading)

    def initialise(self) -> None:
        """Take over the head that the run is initialised from."""
        if self._pretrained is not None:
            load_beginning(self.model, self.part, self._pretrained)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Cut persons out, and return images and points."""
        chosen = self.draw(step, np.ones(len(self._train), np.int64), 1).part(part)
        pairs = [
            self._cut(self._train[number], bool(mirrored), int(seed))
            for number, mirrored, seed in zip(chosen.photos, chosen.mirrored, chosen.seeds, strict=True)
        ]
        images, points = (np.stack(parts) for parts in zip(*pairs, strict=True))
        return torch.from_numpy(self.encoder.preprocessing.normalise(images)), torch.from_numpy(points).float()

    def _cut(self, person: Person, mirrored: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of a person ``(H, W, 3)`` and its points ``(K, 3)``, 0 in the middle of the image."""
        section, photo = self.section, open_photo(person.path)
        random = np.random.default_rng(seed)
        frame = framed(person, photo.size, margin=section.margin)
        middle, sides = (frame[:2] + frame[2:]) / 2, frame[2:] - frame[:2]
        middle = middle + sides * random.uniform(-section.shift, section.shift, 2)
        sides = sides * random.uniform(*section.scale)
        frame = np.round(np.concatenate([middle - sides / 2, middle + sides / 2]))
        pixels, points = self._seen(photo, frame), points_within(person, photo.size, frame)
        if mirrored:
            return pixels[:, ::-1], mirror_points(points, section.key_points.mirrored, width=0.0)
        return pixels, points

    def _seen(self, photo: Image.Image, frame: np.ndarray) -> np.ndarray:
        return self.encoder.preprocessing.resize(cut_out(photo, frame))

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the mean squared distance of joints, in sides of the image."""
        images, points = (part.to(self.device) for part in batch)
        distances = squared_distances(self.model(self.encoder(images).grid), points)
        return [Term(distances.sum() / max(len(distances), 1), len(distances))]

    def validate(self) -> Validation:
        """Detect the joints of persons in their boxes."""
        found, true = [], []
        for start in range(0, len(self._val), VALIDATION_BATCH):
            persons = self._val[start : start + VALIDATION_BATCH]
            photos = [open_photo(person.path) for person in persons]
            frames = [
                np.round(framed(person, photo.size, margin=self.section.margin))
                for person, photo in zip(persons, photos, strict=True)
            ]
            pixels = np.stack([self._seen(*pair) for pair in zip(photos, frames, strict=True)])
            images = torch.from_numpy(self.encoder.preprocessing.normalise(pixels)).to(self.device)
            with torch.no_grad():
                joints = self.model(self.encoder(images).grid).numpy(force=True)
            for person, photo, frame, own in zip(persons, photos, frames, joints, strict=True):
                sides = frame[2:] - frame[:2]
                found.append(own * sides)
                true.append(points_within(person, photo.size, frame) * [*sides, 1])
        scores = pose_scores(np.stack(found), np.stack(true), self.section.key_points)
        values = {name: value for name, value in scores.items() if not math.isnan(value)}
        error = float(np.linalg.norm((np.stack(found) - np.stack(true)[..., :2]), axis=-1).mean())
        return Validation(values.get("PDJ", -error), values | {"pixels": error})
