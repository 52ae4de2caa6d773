"""Training aligners, on a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data import read
from seetell.data.records import CaptionDataset
from seetell.errors import DataError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import weights_hash
from seetell.tasks.retrieval.config import RankingConfig
from seetell.tasks.retrieval.feature_cache import PreparedFeatureCache, read_features, sample_photos
from seetell.tasks.retrieval.models import build
from seetell.tasks.retrieval.models.member import Member, PhotoFeatures, SentenceEmbeddings
from seetell.tasks.retrieval.models.scores import hardest_negative, info_nce, max_margin
from seetell.tasks.retrieval.tagging import cache_tags, open_tagger, read_tags
from seetell.tasks.retrieval.validation import rank, sentence_tensors
from seetell.training import task
from seetell.training.batches import WHOLE, Part
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.features import on_device
from seetell.training.loss_terms import Term
from seetell.training.preparation import frozen_encoder, prepare_captions, pretrained_of
from seetell.training.task import Phase, Validation, seeded
from seetell.training.trained import load_word_embeddings

VALIDATION_BATCH = 50
FITTING_PHOTOS = 1000


class Training(task.Training):
    """An aligner; see :class:`~seetell.training.task.Training`."""

    part = "aligner"
    curves = ("annotation_R@1", "annotation_R@10", "search_R@1", "search_R@10")

    vocabulary: Vocabulary

    def __init__(
        self, config: RunConfig, dataset: CaptionDataset, *, on_encoding: Progress = lambda done, total: None
    ) -> None:
        super().__init__(config, dataset)
        if any(photo.box is not None for photo in dataset.photos):
            raise DataError(
                f"{dataset.source}: has phrases of regions; an aligner is trained on captions of whole photos"
            )
        self._pretrained = pretrained_of(config)
        self.encoder = frozen_encoder(config, self._pretrained)
        self._tagger = tagger = open_tagger(config.section)
        words = () if tagger is None else tagger.words
        self.prepared = prepare_captions(
            config, dataset, self.encoder, with_grid=True, progress=on_encoding, words=words
        )
        photos = (*self.prepared.train.photos, *self.prepared.val.photos)
        self._tags = cache_tags(tagger, config, photos, progress=on_encoding)
        self.failures, self.vocabulary = self.prepared.failures, self.prepared.vocabulary
        self.model = self.aligner = seeded(config, build, self.encoder, self.vocabulary).to(config.device)
        self._ranking_loss = _ranking_loss(config.section.ranking)
        self._counts = np.array([len(captions) for captions in self.prepared.train.captions])
        self.hashes = {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": weights_hash(self.encoder),
            "data_hash": self.prepared.data_hash,
            **({} if tagger is None else {"tagger_hash": tagger.hash}),
        }

    @property
    def compiled(self) -> tuple[()]:
        """Nothing: most of the time is spent in products of embeddings, which are as fast without."""
        return ()

    @classmethod
    def read(cls, config: RunConfig) -> CaptionDataset:
        """Read photos with captions."""
        return read(config.data.path, **config.data.reading)

    def initialise(self) -> None:
        """Fit the whitening to training photos, and load pretrained word vectors."""
        assert self.prepared.cache is not None
        some = sample_photos(self.prepared.train.photos, most=FITTING_PHOTOS)
        features = on_device(read_features(self.prepared.cache, some), self.device)
        tags = None if self._tags is None else read_tags(self._tags, some, 0, self.device)
        self.aligner.fit_normalisation(features, tags)
        if self._tagger is not None and self.config.section.aligner.word_evidence:
            self.aligner.evidence.name(self._tagger.words, self.vocabulary.words)
        if self._pretrained is not None and self.config.section.init_word_embeddings:
            setting = "retrieval.aligner.word_size"
            for member in self.aligner.members:
                load_word_embeddings(member.embedding, self.vocabulary, self._pretrained, setting=setting)

    def begin(self, phase: Phase) -> None:
        """Compute what all photos are embedded from once."""
        cache = self.prepared.cache
        assert cache is not None
        prepared = partial(PreparedFeatureCache, self.aligner.prepare, cache, device=self.device, tags=self._tags)
        self._train_features = prepared(self.prepared.train.photos, views=2 if self.config.data.flip else 1)
        self._val_features = prepared(self.prepared.val.photos, views=1)

    def batch(self, step: int, part: Part = WHOLE) -> tuple[Any, ...]:
        """Read the photo of each sentence of the whole batch, all sentences, and what the part's photos are made of."""
        data, captions = self.config.data, self.prepared.train.captions
        indices = self.draw(step, self._counts, data.captions_per_photo).unique_photos()
        sentences = [
            captions[photo][caption]
            for photo, chosen in zip(indices.photos, indices.captions, strict=True)
            for caption in chosen
        ]
        owners = np.repeat(np.arange(len(indices.photos)), data.captions_per_photo)
        tensors = sentence_tensors(sentences, max_words=data.max_words)
        return part, torch.from_numpy(owners), *tensors, *self._train_features.prepare(indices.part(part))

    def loss(self, step: int, batch: tuple[Any, ...]) -> list[Term]:
        """Return the mean loss over members of each score and, of several, of their sum: each must rank well alone.

        Each of several processes embeds its part of the photos and sentences, compares its photos with all sentences,
        and ranks all pairs.
        """
        part, *tensors = batch
        owners, tokens, lengths, *features = (each.to(self.device) for each in tensors)
        photos, losses = PhotoFeatures(*features), []
        for member in self.aligner.members:
            scores = self._scores(member, part, photos, tokens, lengths)
            ranked = [*scores, torch.stack(scores).sum(dim=0)] if len(scores) > 1 else scores
            losses.append(torch.stack([self._ranking_loss(each.float(), owners) for each in ranked]).mean())
        return [Term(torch.stack(losses).mean())]

    def _scores(
        self, member: Member, part: Part, photos: PhotoFeatures, tokens: Tensor, lengths: Tensor
    ) -> list[Tensor]:
        """Return the scores of all photos of the batch with all of its sentences, ``(B, N)`` each."""
        per_photo, sentences = self.config.data.captions_per_photo, len(tokens)
        chosen = part.of(sentences // per_photo)
        own = slice(chosen.start * per_photo, chosen.stop * per_photo)
        embedded = member.embed_sentences(tokens[own], lengths[own])
        words, whole = (
            None if each is None else self.processes.gather(each, start=own.start, total=sentences)
            for each in (embedded.words, embedded.whole)
        )
        compared = member.scores(member.embed_photos(photos), SentenceEmbeddings(words, lengths, whole))
        return [
            self.processes.gather(each, start=chosen.start, total=sentences // per_photo) for each in compared.values()
        ]

    def validate(self) -> Validation:
        """Measure recalls both ways; their sum is the score."""
        features = (PhotoFeatures(*parts) for parts in self._val_features.batches(VALIDATION_BATCH))
        captions = self.prepared.val.captions
        ranked = rank(self.aligner, features, captions, max_words=self.config.data.max_words)
        return Validation(ranked.sum, ranked.named())


def _ranking_loss(config: RankingConfig) -> Callable[[Tensor, Tensor], Tensor]:
    if config.loss == "info_nce":
        return info_nce
    return partial(max_margin if config.loss == "max_margin" else hardest_negative, margin=config.margin)
