"""Training dense captioners, on a frozen encoder's cached maps or together with the encoder."""

from __future__ import annotations

from collections.abc import Sequence
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
from seetell.tasks.dense_captioning.region_targets import RegionTargets, prepare_regions
from seetell.tasks.dense_captioning.validation import validate
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.feature_maps import CachedMaps, FeatureMapCache, MapSource, PixelMaps, map_shapes, spread_maps
from seetell.training.loss_terms import Term
from seetell.training.preparation import frozen_encoder, pretrained_of
from seetell.training.task import Phase, Validation, seeded
from seetell.training.trained import load_model, load_word_embeddings
from seetell.training.views import View

FITTING_PHOTOS = 200


class Training(task.PhasedTraining):
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
        self._trains_encoder = False
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
        """Go on from the run of a dense captioner, or fit the pyramid's normalisation and load word vectors."""
        pretrained = self._pretrained
        words = [f"captioner.{name}" for name in self.densecap.captioner.vocab_parameters]
        if pretrained is not None and words[0] in pretrained.parts.get(self.part, {}):  # bundles lack the encoder
            load_model(self.densecap, self.part, self.vocabulary, pretrained, vocab_parameters=words)
            return
        train = self.prepared.train
        maps = spread_maps(self._source(train), len(train.photos), most=FITTING_PHOTOS, device=self.device)
        self.densecap.pyramid.fit(maps)
        if pretrained is not None and self.config.section.init_word_embeddings:
            load_word_embeddings(
                self.densecap.captioner.word_embedding,
                self.vocabulary,
                pretrained,
                setting="dense_captioning.captioner.embedding_size",
            )

    def begin(self, phase: Phase) -> None:
        """Freeze or unfreeze the encoder."""
        self._trains_encoder = self.unfreeze_encoder(phase)
        self._train_source, self._val_source = self._source(self.prepared.train), self._source(self.prepared.val)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """Read feature maps or pixels, boxes and one phrase per region."""
        config, train = self.config, self.prepared.train
        indices = self.draw(step, np.ones(len(train.photos), np.int64), 1).unique_photos()
        random = np.random.default_rng((config.seed, 4, step))
        phrases = [[random.integers(len(each)) for each in train.phrases[photo]] for photo in indices.photos]
        views = [View.draw(config.section.scale, random) for _ in phrases] if config.section.views else []
        indices, phrases, views = indices.part(part), phrases[part.of(len(phrases))], views[part.of(len(views))]
        width = self.encoder.preprocessing.width
        boxes, chosen = [], []
        for photo, mirrored, drawn in zip(indices.photos, indices.mirrored, phrases, strict=True):
            upright = train.boxes[photo]
            boxes.append(torch.from_numpy(flip_boxes(upright.numpy(), width=width)) if mirrored else upright)
            chosen += [[each[number]] for each, number in zip(train.phrases[photo], drawn, strict=True)]
        read = self._train_source.read(indices.photos, indices.mirrored)
        if views:
            seen = self._take(views, read[0], boxes)
            chosen = [phrase for phrase, kept in zip(chosen, seen, strict=True) if kept]
        inputs, targets = caption_tensors(chosen, max_words=config.data.max_words)
        return read, boxes, inputs[:, 0], targets[:, 0]

    def _take(self, views: Sequence[View], images: Tensor, boxes: list[Tensor]) -> list[bool]:
        """Replace images and boxes by their views, unless none of an image's boxes is seen; return which boxes are."""
        size, seen = self.encoder.preprocessing, []
        for row, view in enumerate(views):
            moved, kept = view.boxes(boxes[row], size=(size.width, size.height))
            if kept.any():
                images[row], boxes[row] = view.pixels(images[row]), moved[kept]
            else:
                kept = torch.ones(len(boxes[row]), dtype=torch.bool)
            seen += kept.tolist()
        return seen

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the five losses."""
        read, boxes, inputs, targets = batch
        losses = self.densecap.losses(
            self._train_source.maps(self.placed(read)),
            self.placed(boxes),
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
            self._val_source,
            self.prepared.val,
            self.vocabulary,
            decoding=self.config.section.decoding,
            max_words=self.config.data.max_words,
            temperature=self.config.section.temperature,
        )
        return Validation(values.get("dense_mAP", values["detection_mAP"]), values)

    def _source(self, targets: RegionTargets) -> MapSource:
        paths, strides = [photo.path for photo in targets.photos], self.config.section.densecap.strides
        if self.prepared.cache is None or self._trains_encoder:
            return PixelMaps(self.encoder, paths, strides)
        return CachedMaps(FeatureMapCache(self.prepared.cache, paths, map_shapes(self.encoder, strides)))
