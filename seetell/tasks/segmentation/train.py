"""Training segmenters: an encoder and a head, on crops of images of drawn sizes and their label maps."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from seetell.errors import DataError
from seetell.metrics.segmentation import count_pixels, median_frequency_weights, segmentation_scores
from seetell.nn.backbones import weights_hash
from seetell.photos import open_photo
from seetell.tasks.segmentation.data import VOID, LabelledImage, LabelMapDataset, read_label_map, read_label_maps
from seetell.tasks.segmentation.model import Segmenter, build
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.loss_terms import Term
from seetell.training.preparation import data_hash, frozen_encoder, pretrained_of, readable, training_splits, unreadable
from seetell.training.task import Validation, seeded
from seetell.training.trained import load_beginning


class Training(task.JointTraining):
    """A segmenter; see :class:`~seetell.training.task.Training`."""

    part = "segmenter"
    curves = ("mean_iou", "pixel_accuracy")
    vocabulary = None

    def __init__(
        self, config: RunConfig, dataset: LabelMapDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section, self._classes = config.section, dataset.classes
        self.frozen_stages, self.encoder_optimiser = self.section.frozen_stages, self.section.encoder_optimiser
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, self._pretrained)
        encoder_hash = weights_hash(self.encoder)
        train, val = training_splits(config, dataset)
        self.failures = unreadable([image.path for image in dict.fromkeys((*train, *val))], on_encoding)
        self._train, self._val = readable(dataset.source, self.failures, train, val)
        self.model = seeded(config, build, self.encoder, None).to(config.device, memory_format=torch.channels_last)
        self._weights = self._class_weights().to(self.device)
        self.hashes = {
            "encoder_hash": encoder_hash,
            "data_hash": data_hash(image.id for image in (*self._train, *self._val)),
        }

    @classmethod
    def complete(cls, config: RunConfig) -> RunConfig:
        """Fill in the classes of the data set."""
        if config.section.labels:
            return config
        dataset = cls.read(config)
        if len(dataset.classes.labels) < 2:
            raise DataError(
                f"{dataset.source}: names no classes; list them in classes.txt, one a line, or as segmentation.labels"
            )
        section = dataclasses.replace(config.section, labels=dataset.classes.labels)
        return dataclasses.replace(config, section=section)

    @classmethod
    def read(cls, config: RunConfig) -> LabelMapDataset:
        """Read images and label maps."""
        data = config.data
        return read_label_maps(data.path, labels=config.section.labels, format=data.format, split_seed=data.split_seed)

    @property
    def segmenter(self) -> Segmenter:
        """The head."""
        return cast(Segmenter, self.model)

    def initialise(self) -> None:
        """Take over the head that the run is initialised from; layers that it lacks keep their own beginnings."""
        if self._pretrained is not None:
            load_beginning(self.model, self.part, self._pretrained)

    def _class_weights(self) -> Tensor:
        """Return the weight of each class in the loss, ``(K,)`` float32."""
        classes = len(self.section.labels)
        if self.section.class_balance == 0:
            return torch.ones(classes)
        counts = [np.bincount(read_label_map(image, self._classes).ravel(), minlength=256) for image in self._train]
        weights = median_frequency_weights([each[:classes] for each in counts]) ** self.section.class_balance
        return torch.from_numpy(weights).float()

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, ...]:
        """Read crops and their label maps."""
        chosen = self.draw(step, np.ones(len(self._train), np.int64), 1).part(part)
        pairs = [
            self._crop(self._train[photo], offset, bool(mirrored), int(seed))
            for photo, offset, mirrored, seed in zip(
                chosen.photos, chosen.offsets, chosen.mirrored, chosen.seeds, strict=True
            )
        ]
        images, labels = (np.stack(parts) for parts in zip(*pairs, strict=True))
        return torch.from_numpy(self.encoder.preprocessing.normalise(images)), torch.from_numpy(labels)

    def _crop(
        self, image: LabelledImage, offset: np.ndarray, mirrored: bool, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a part of an image ``(H, W, 3)`` uint8 and of its label map; what lies outside is void and grey."""
        height, width = self.section.crop
        scale = np.random.default_rng(seed).uniform(*self.section.scale)
        pixels, labels = self._resized(image, scale)
        if len(labels) < height or labels.shape[1] < width:
            pixels, labels = self._padded(pixels, labels, (max(height, len(labels)), max(width, labels.shape[1])))
        top, left = (
            round(share * (has - needs))
            for share, has, needs in zip(offset, labels.shape, (height, width), strict=True)
        )
        pixels, labels = (whole[top : top + height, left : left + width] for whole in (pixels, labels))
        return (pixels[:, ::-1], labels[:, ::-1]) if mirrored else (pixels, labels)

    def _resized(self, image: LabelledImage, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Open an image and its label map, fitted into the input times a factor."""
        photo = open_photo(image.path)
        height, width = self.section.size
        scale *= min(width / photo.width, height / photo.height)
        width, height = (max(1, round(scale * side)) for side in photo.size)
        pixels = np.asarray(photo.resize((width, height), Image.Resampling.BILINEAR))
        return pixels, read_label_map(image, self._classes, size=(width, height))

    def _padded(self, pixels: np.ndarray, labels: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Put an image and its label map into the middle of a larger one, in the mean colour and void."""
        height, width = labels.shape
        top, left = (size[0] - height) // 2, (size[1] - width) // 2
        larger = np.full((*size, 3), np.round(self.encoder.preprocessing.mean), np.uint8)
        void = np.full(size, VOID, np.uint8)
        larger[top : top + height, left : left + width] = pixels
        void[top : top + height, left : left + width] = labels
        return larger, void

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the cross-entropy of pixels, weighted by class."""
        images, labels = (part.to(self.device) for part in batch)
        logits = self.segmenter.segment(self.encoder, images.contiguous(memory_format=torch.channels_last))
        pixels = int((labels != VOID).sum())
        total = F.cross_entropy(logits, labels.long(), self._weights, ignore_index=VOID, reduction="sum")
        return [Term(total / max(pixels, 1), pixels)]

    def validate(self) -> Validation:
        """Segment the validation images whole, and compare at the size that they are segmented at."""
        classes = len(self.section.labels)
        counts = np.zeros((classes, classes + 1), np.int64)
        with torch.no_grad():
            for image in self._val:
                pixels, labels = self._padded(*self._resized(image), self.section.size)
                images = torch.from_numpy(self.encoder.preprocessing.normalise(pixels[None])).to(self.device)
                logits = self.segmenter.segment(self.encoder, images.contiguous(memory_format=torch.channels_last))
                counts += count_pixels(labels, logits[0].argmax(dim=0).cpu().numpy(), classes)
        scores = segmentation_scores(counts).to_dict()
        return Validation(scores["mean_iou"], scores)
