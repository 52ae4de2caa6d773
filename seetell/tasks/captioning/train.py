"""Training captioners: on reference captions, with the encoder from a step on, and on rewards from another one on."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data import read
from seetell.data.records import CaptionDataset
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, Features, weights_hash
from seetell.tasks.captioning.distillation import load_teachers
from seetell.tasks.captioning.models import IGNORE_INDEX, USES_GRID, USES_TAGS, build, caption_tensors
from seetell.tasks.captioning.models.captioner import Captioner
from seetell.tasks.captioning.region_features import RegionFeatures, check_regions
from seetell.tasks.captioning.scheduled_sampling import replace_with_samples
from seetell.tasks.captioning.self_critical import CiderReward, SelfCriticalLoss
from seetell.tasks.captioning.tagging import PhotoTagger, TaggedFeatures, tagger_bundle
from seetell.tasks.captioning.validation import validate
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.features import (
    CachedFeatures,
    FeatureSource,
    PixelFeatures,
    finish_encoding,
    on_device,
    unpack_features,
)
from seetell.training.loss_terms import Term
from seetell.training.preparation import CaptionedPhotos, frozen_encoder, prepare_captions, pretrained_of
from seetell.training.task import Optimised, Phase, Validation, seeded
from seetell.training.trained import load_model

VALIDATION_BATCH = 50
FITTING_PHOTOS = 1000


class Training(task.Training):
    """A captioner, with its encoder where that is trained too; see :class:`~seetell.training.task.Training`."""

    part = "captioner"
    curves = ("CIDEr", "Bleu_4", "ROUGE_L")
    loss_unit = "nats per word"

    vocabulary: Vocabulary

    def __init__(
        self, config: RunConfig, dataset: CaptionDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        self.section = section = config.section
        self._of_regions = any(photo.box is not None for photo in dataset.photos)
        if self._of_regions:
            check_regions(config)
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, self._pretrained)
        if self._pretrained is not None and self._pretrained.vocabulary is not None:  # fails before photos are encoded
            before = self._pretrained.vocabulary
            self._load_pretrained(seeded(config, build, self.encoder, before), before)
        self._tagger = None
        if USES_TAGS[section.architecture]:
            self._tagger = PhotoTagger(tagger_bundle(config), threads=torch.get_num_threads())
            self._tagger.check(config, self.encoder)
        encoder_hash = weights_hash(self.encoder)
        seen_by, with_grid = self.seen_by(self.encoder)
        self.prepared = prepare_captions(
            config,
            dataset,
            seen_by,
            with_grid=with_grid,
            progress=on_encoding,
            train_encoder_after=section.finetune.after,
            frozen_stages=section.finetune.frozen_stages,
        )
        self.failures, self.vocabulary = self.prepared.failures, self.prepared.vocabulary
        device = next(self.encoder.parameters()).device
        train = self.prepared.train
        self._counts = np.array([len(captions) for captions in train.captions])
        self._tags = None
        if self._tagger is not None:
            photos = [photo.path for split in (train, self.prepared.val) for photo in split.photos]
            folder, flips = config.encoder.cache, config.data.flip
            self._tags, _ = self._tagger.cache(folder, list(dict.fromkeys(photos)), flips=flips, progress=on_encoding)
        self._teachers = None
        if section.distillation.teachers:
            self._teachers = load_teachers(config, train.photos, self.vocabulary, device=device, progress=on_encoding)
        self.model = self.captioner = seeded(config, build, self.encoder, self.vocabulary).to(device)
        self._trains_encoder = False
        self._self_critical: SelfCriticalLoss | None = None
        self.hashes = {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": encoder_hash,
            "data_hash": self.prepared.data_hash,
            "teachers_hash": None if self._teachers is None else self._teachers.hash,
            **({} if self._tagger is None else {"tagger_hash": self._tagger.hash}),
        }

    @classmethod
    def read(cls, config: RunConfig) -> CaptionDataset:
        """Read photos with captions."""
        return read(config.data.path, **config.data.reading)

    def seen_by(self, encoder: Encoder) -> tuple[Encoder, bool]:
        """Return what encodes photos for the cache, given the run's encoder, and whether its grid is kept."""
        return encoder, self._of_regions or USES_GRID[self.section.architecture]

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        """The captioner, and the encoder if it is trained at some time."""
        modules: dict[str, torch.nn.Module] = {"captioner": self.captioner}
        return modules | {"encoder": self.encoder} if self.section.finetune.after >= 0 else modules

    def initialise(self) -> None:
        """Fit the normalisation to training photos spread over the whole split, and load pretrained weights."""
        train = self.prepared.train
        stride = -(-len(train.photos) // FITTING_PHOTOS)
        some = CaptionedPhotos(train.photos[::stride], train.captions[::stride])
        batches = list(self._feature_source(some).batches(VALIDATION_BATCH))
        grids = [features.grid for features in batches if features.grid is not None]
        pooled = torch.cat([features.pooled for features in batches])
        with torch.no_grad():
            features = Features(pooled, torch.cat(grids) if grids else None)
            self.captioner.fit_normalisation(on_device(features, self.device))
        if self._tagger is not None:
            self.captioner.name_tags(self.vocabulary.words, self._tagger.objects, self._tagger.words)
        if self._pretrained is not None:
            self._load_pretrained(self.captioner, self.vocabulary)

    def _load_pretrained(self, captioner: Captioner, vocabulary: Vocabulary) -> None:
        assert self._pretrained is not None
        parameters = captioner.vocab_parameters
        load_model(captioner, "captioner", vocabulary, self._pretrained, vocab_parameters=parameters)

    def phases(self) -> list[Phase]:
        """Return up to three phases: captions, captions with the encoder, rewards.

        The schedule runs twice where rewards are optimised: once until then, and once from then on.
        """
        finetune, rewards, steps = self.section.finetune, self.section.self_critical, self.config.steps
        captioner = Optimised(self.config.optimiser, list(self.captioner.parameters()))
        until = steps if rewards.after < 0 else rewards.after
        phases = [Phase(0, {"captioner": captioner}, schedule_steps=until)]
        if finetune.after >= 0:
            encoder = Optimised(finetune.optimiser, self.encoder.trainable(frozen_stages=finetune.frozen_stages))
            both = {"captioner": captioner, "encoder": encoder}
            phases.append(Phase(finetune.after, both, schedule_steps=until))
        if rewards.after >= 0:
            rewarded = {"captioner": Optimised(rewards.optimiser, list(self.captioner.parameters()))}
            phases.append(
                Phase(
                    rewards.after,
                    rewarded,
                    schedule_start=rewards.after,
                    schedule_steps=steps - rewards.after,
                    comparable=False,  # the loss is around zero, of either sign
                )
            )
        return phases

    def begin(self, phase: Phase) -> None:
        """Freeze or unfreeze the encoder, choose where features come from, and prepare rewards."""
        section = self.section
        self._trains_encoder = 0 <= section.finetune.after <= phase.start
        self.unfreeze_encoder(phase)
        if 0 <= section.self_critical.after <= phase.start:
            reward = CiderReward([photo.captions for photo in self.prepared.train.photos], self.vocabulary)
            self._self_critical = SelfCriticalLoss(section.self_critical, reward, max_words=self.config.data.max_words)
        self._train_source = self._feature_source(self.prepared.train)
        self._val_source = self._feature_source(self.prepared.val)

    def _feature_source(self, captioned: CaptionedPhotos) -> FeatureSource:
        """Return where features, and tags where they are read, come from in the current phase."""
        source = self._untagged_source(captioned)
        if self._tagger is None or self._tags is None:
            return source
        return TaggedFeatures(source, self._tagger, self._tags, captioned.photos)

    def _untagged_source(self, captioned: CaptionedPhotos) -> FeatureSource:
        prepared = self.prepared
        if self._of_regions:
            assert prepared.cache is not None
            return RegionFeatures(prepared.cache, captioned.photos, grid_size=self.encoder.grid_size)
        if prepared.cache is not None and not self._trains_encoder:
            return CachedFeatures(prepared.cache, captioned.photos, unpack_features)
        if prepared.activations is not None:
            finish = finish_encoding(self.encoder, frozen_stages=self.section.finetune.frozen_stages)
            return CachedFeatures(prepared.activations, captioned.photos, finish)
        data = self.config.data
        return PixelFeatures(self.encoder, captioned.photos, crop=data.crop, augmentation=data.augmentation)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, ...]:
        """Read records or pixels, positions of the photos, inputs and targets, and what teachers see."""
        data, captions = self.config.data, self.prepared.train.captions
        indices = self.draw(step, self._counts, data.captions_per_photo).part(part)
        chosen = [
            [captions[photo][caption] for caption in drawn]
            for photo, drawn in zip(indices.photos, indices.captions, strict=True)
        ]
        tensors = caption_tensors(chosen, max_words=data.max_words)
        taught = self._teachers is not None and self._self_critical is None
        seen_by_teachers = self._teachers.prepare(indices) if self._teachers is not None and taught else ()
        return self._train_source.prepare(indices), torch.from_numpy(indices.photos), *tensors, *seen_by_teachers

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the loss on reference captions and teachers, or the self-critical loss, each the mean over words."""
        prepared, photos, inputs, targets, *seen_by_teachers = batch
        features = self._train_source.features(prepared.to(self.device))
        if self._self_critical is not None:
            loss, words, reward = self._self_critical(self.captioner, features, photos.tolist())
            return [Term(loss, words), Term(reward, len(photos), weight=0, name="reward")]
        words = int((targets != IGNORE_INDEX).sum())
        inputs, targets = inputs.to(self.device), targets.to(self.device)
        if probability := self.section.scheduled_sampling.probability(step):
            inputs = replace_with_samples(self.captioner, features, inputs, targets, probability=probability)
        soft_targets = None
        if self._teachers is not None:
            soft_targets = self._teachers.soft_targets(seen_by_teachers, inputs, targets)
        smoothing = self.section.label_smoothing
        loss = self.captioner.loss(features, inputs, targets, label_smoothing=smoothing, soft_targets=soft_targets)
        return [Term(loss, words)]

    def validate(self) -> Validation:
        """Measure the loss and, with language metrics, captions of the validation photos."""
        batches = (on_device(features, self.device) for features in self._val_source.batches(VALIDATION_BATCH))
        values, captions = validate(
            self.captioner,
            batches,
            self.prepared.val,
            self.vocabulary,
            decoding=self.section.decoding if self.section.language_metrics else None,
            max_words=self.config.data.max_words,
        )
        rows = [
            {"image_id": photo.id, "caption": caption}
            for photo, caption in zip(self.prepared.val.photos, captions, strict=False)
        ]
        return Validation(values.get("CIDEr", -values["validation_loss"]), values, rows or None)
