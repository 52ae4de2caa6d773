"""Training captioners: on reference captions, with the encoder from a step on, and on rewards from another one on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data import read
from seetell.data.records import CaptionDataset, PhotoRecord
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
from seetell.training.adaptation import read_target
from seetell.training.adaptation_methods import create_adaptation
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.features import (
    CachedFeatures,
    FeatureSource,
    PixelFeatures,
    finish_encoding,
    on_device,
    read_features,
)
from seetell.training.loss_terms import Term
from seetell.training.preparation import frozen_encoder, prepare_captions, pretrained_of
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
        encoder_hash = weights_hash(self.encoder.unadapted)
        target, refines = read_target(config), config.adaptation.method == "adapters"
        seen_by, with_grid = self.seen_by(self.encoder)
        self.prepared = prepare_captions(
            config,
            dataset,
            seen_by,
            with_grid=with_grid,
            progress=on_encoding,
            train_encoder_after=section.finetune.after,
            frozen_stages=section.finetune.frozen_stages,
            target=target,
            vocabulary=self._pretrained.vocabulary if self._pretrained is not None and refines else None,
        )
        self.failures, self.vocabulary = dict(self.prepared.failures), self.prepared.vocabulary
        target = tuple(photo for photo in target if photo.path not in self.failures)
        photos = self.prepared.train.photos
        self.adaptation = create_adaptation(config, self.encoder, photos, target, with_grid=with_grid)
        self.failures |= self.adaptation.fill_caches(on_encoding)
        device = next(self.encoder.parameters()).device
        train = self.prepared.train
        self._counts = np.array([len(captions) for captions in train.captions])
        self._tags = None
        if self._tagger is not None:
            paths = [photo.path for photo in (*train.photos, *self.prepared.val.photos, *target)]
            folder, flips = config.encoder.cache, config.data.flip
            self._tags, _ = self._tagger.cache(folder, list(dict.fromkeys(paths)), flips=flips, progress=on_encoding)
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
            **self.adaptation.hashes,
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
        modules |= self.adaptation.added_modules()
        return modules | {"encoder": self.encoder} if self.section.finetune.after >= 0 else modules

    def initialise(self) -> None:
        """Fit the normalisation to training photos spread over the whole split, and load pretrained weights."""
        photos = self.prepared.train.photos
        self.adaptation.initialise(self._feature_source, pretrained=self._pretrained)
        batches = list(self._feature_source(photos[:: -(-len(photos) // FITTING_PHOTOS)]).batches(VALIDATION_BATCH))
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
        return self.adaptation.added_to(phases)

    def begin(self, phase: Phase) -> None:
        """Freeze or unfreeze the encoder, choose where features come from, and prepare rewards."""
        section = self.section
        self._trains_encoder = 0 <= section.finetune.after <= phase.start
        self.unfreeze_encoder(phase)
        self.model.requires_grad_(self.part in phase.optimisers)
        if 0 <= section.self_critical.after <= phase.start:
            reward = CiderReward([photo.captions for photo in self.prepared.train.photos], self.vocabulary)
            self._self_critical = SelfCriticalLoss(section.self_critical, reward, max_words=self.config.data.max_words)
        self._train_source = self._tagged(
            self.adaptation.source(self._untagged_source(self.prepared.train.photos)), self.prepared.train.photos
        )
        self._val_source = self._feature_source(self.prepared.val.photos)
        self.adaptation.begin(self._feature_source)

    def _feature_source(self, photos: Sequence[PhotoRecord]) -> FeatureSource:
        """Return where features, and tags where they are read, come from in the current phase."""
        return self._tagged(self._untagged_source(photos), photos)

    def _tagged(self, source: FeatureSource, photos: Sequence[PhotoRecord]) -> FeatureSource:
        if self._tagger is None or self._tags is None:
            return source
        return TaggedFeatures(source, self._tagger, self._tags, photos)

    def _untagged_source(self, photos: Sequence[PhotoRecord]) -> FeatureSource:
        prepared = self.prepared
        if self._of_regions:
            assert prepared.cache is not None
            return RegionFeatures(prepared.cache, photos, grid_size=self.encoder.grid_size)
        if prepared.cache is not None and not self._trains_encoder:
            return CachedFeatures(prepared.cache, photos, read_features(self.encoder))
        if prepared.activations is not None:
            finish = finish_encoding(self.encoder, frozen_stages=self.section.finetune.frozen_stages)
            return CachedFeatures(prepared.activations, photos, finish)
        data = self.config.data
        return PixelFeatures(self.encoder, photos, crop=data.crop, augmentation=data.augmentation)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Tensor, ...]:
        """Read records or pixels, positions of the photos, inputs, targets, and what teachers and adaptation read."""
        data, captions = self.config.data, self.prepared.train.captions
        indices = self.draw(step, self._counts, data.captions_per_photo).part(part)
        chosen = [
            [captions[photo][caption] for caption in drawn]
            for photo, drawn in zip(indices.photos, indices.captions, strict=True)
        ]
        tensors = caption_tensors(chosen, max_words=data.max_words)
        taught = self._teachers is not None and self._self_critical is None
        seen_by_teachers = self._teachers.prepare(indices) if self._teachers is not None and taught else ()
        own = (self._train_source.prepare(indices), torch.from_numpy(indices.photos), *tensors, *seen_by_teachers)
        return *own, *self.adaptation.batch(step, indices, part)

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the loss on reference captions and teachers, or the self-critical loss, each the mean over words."""
        own, extra = self.adaptation.split(batch)
        prepared, photos, inputs, targets, *seen_by_teachers = own
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
        places = torch.arange(len(targets), device=self.device)[:, None, None].expand_as(targets)
        places = places[targets != IGNORE_INDEX]  # (M,), of each word
        loss = self.captioner.loss(
            features,
            inputs,
            targets,
            label_smoothing=smoothing,
            soft_targets=soft_targets,
            average=lambda losses: self.adaptation.mean(losses, places, extra),
        )
        added = self.adaptation.terms(step, features, extra)
        return [Term(loss, words, name="word_loss" if added else ""), *added]

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
