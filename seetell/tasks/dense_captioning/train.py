"""Training dense captioners, on a frozen encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seetell.data.records import RegionDataset
from seetell.data.regions import read_regions
from seetell.geometry.boxes import flip_boxes
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import weights_hash
from seetell.tasks.captioning.models import caption_tensors
from seetell.tasks.dense_captioning.model import build
from seetell.tasks.dense_captioning.region_targets import prepare_regions
from seetell.tasks.dense_captioning.validation import validate
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.feature_maps import FeatureMapCache, map_shapes
from seetell.training.loss_terms import Term
from seetell.training.preparation import frozen_encoder, pretrained_of
from seetell.training.task import Validation, seeded
from seetell.training.trained import load_word_embeddings

FITTING_PHOTOS = 200


class Training(task.Training):
    """A dense captioner; see :class:`~seetell.training.task.Training`."""

    part = "densecap"
    curves = ("dense_mAP", "detection_mAP", "recall@100")

    vocabulary: Vocabulary

    def __init__(
        self, config: RunConfig, dataset: RegionDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, self._pretrained)
        self.prepared = prepare_regions(config, dataset, self.encoder, progress=on_encoding)
        self.failures, self.vocabulary = self.prepared.failures, self.prepared.vocabulary
        self.model = self.densecap = seeded(config, build, self.encoder, self.vocabulary).to(config.device)
        shapes = map_shapes(self.encoder, config.section.densecap.strides)
        self._train_maps, self._val_maps = (
            FeatureMapCache(self.prepared.cache, [photo.path for photo in split.photos], shapes)
            for split in (self.prepared.train, self.prepared.val)
        )
        self.hashes = {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": weights_hash(self.encoder),
            "data_hash": self.prepared.data_hash,
        }

    @property
    def compiled(self) -> list[nn.Module]:
        """The parts of the model whose inputs have about the same size in every step."""
        return [self.densecap.pyramid, self.densecap.regions.layers, self.densecap.captioner]

    @classmethod
    def read(cls, config: RunConfig) -> RegionDataset:
        """Read photos with described regions."""
        return read_regions(config.data.path, captions=config.data.captions, **config.data.reading)

    def initialise(self) -> None:
        """Fit the pyramid's normalisation to training photos, and load pretrained word vectors."""
        maps = self._train_maps
        some = np.linspace(0, len(maps) - 1, min(FITTING_PHOTOS, len(maps))).astype(np.int64)
        self.densecap.pyramid.fit([activation.to(self.device) for activation in maps.read(some)])
        if self._pretrained is not None and self.config.section.init_word_embeddings:
            load_word_embeddings(
                self.densecap.captioner.word_embedding,
                self.vocabulary,
                self._pretrained,
                setting="dense_captioning.captioner.embedding_size",
            )

    def batch(self, step: int, part: Part = WHOLE) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """Read feature maps, boxes and one phrase per region."""
        config, train = self.config, self.prepared.train
        indices = self.draw(step, np.ones(len(train.photos), np.int64), 1).unique_photos()
        random = np.random.default_rng((config.seed, 4, step))
        phrases = [[random.integers(len(each)) for each in train.phrases[photo]] for photo in indices.photos]
        indices, phrases = indices.part(part), phrases[part.of(len(phrases))]
        width = self.encoder.preprocessing.width
        boxes, chosen = [], []
        for photo, mirrored, drawn in zip(indices.photos, indices.mirrored, phrases, strict=True):
            upright = train.boxes[photo]
            boxes.append(torch.from_numpy(flip_boxes(upright.numpy(), width=width)) if mirrored else upright)
            chosen += [[each[number]] for each, number in zip(train.phrases[photo], drawn, strict=True)]
        inputs, targets = caption_tensors(chosen, max_words=config.data.max_words)
        return self._train_maps.read(indices.photos, indices.mirrored), boxes, inputs[:, 0], targets[:, 0]

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the five losses."""
        maps, boxes, inputs, targets = batch
        losses = self.densecap.losses(
            [activation.to(self.device) for activation in maps],
            [each.to(self.device) for each in boxes],
            inputs.to(self.device),
            targets.to(self.device),
            label_smoothing=self.config.section.label_smoothing,
        )
        weights = vars(self.config.section.densecap.losses)
        return [Term(mean, count, weights[name], f"{name}_loss") for name, (mean, count) in losses.items()]

    def validate(self) -> Validation:
        """Measure average precision and recall; dense average precision is the score, where METEOR is installed."""
        values = validate(
            self.densecap,
            self._val_maps,
            self.prepared.val,
            self.vocabulary,
            decoding=self.config.section.decoding,
            max_words=self.config.data.max_words,
            temperature=self.config.section.temperature,
        )
        return Validation(values.get("dense_mAP", values["detection_mAP"]), values)
