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
from seetell.tasks.retrieval.feature_cache import WhitenedFeatureCache, sample_features
from seetell.tasks.retrieval.models import build
from seetell.tasks.retrieval.models.scores import hardest_negative, info_nce, max_margin
from seetell.tasks.retrieval.validation import rank, sentence_tensors
from seetell.training import task
from seetell.training.config import RunConfig
from seetell.training.encoding import Progress
from seetell.training.features import on_device
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
        self.prepared = prepare_captions(config, dataset, self.encoder, with_grid=True, progress=on_encoding)
        self.failures, self.vocabulary = self.prepared.failures, self.prepared.vocabulary
        self.model = self.aligner = seeded(config, build, self.encoder, self.vocabulary).to(config.device)
        self._ranking_loss = _ranking_loss(config.section.ranking)
        self._counts = np.array([len(captions) for captions in self.prepared.train.captions])
        self.hashes = {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": weights_hash(self.encoder),
            "data_hash": self.prepared.data_hash,
        }

    @classmethod
    def read(cls, config: RunConfig) -> CaptionDataset:
        """Read photos with captions."""
        return read(config.data.path, **config.data.reading)

    def initialise(self) -> None:
        """Fit the whitening to training photos, and load pretrained word vectors."""
        assert self.prepared.cache is not None
        some = sample_features(self.prepared.cache, self.prepared.train.photos, most=FITTING_PHOTOS)
        self.aligner.fit_normalisation(on_device(some, self.device))
        if self._pretrained is not None and self.config.section.init_word_embeddings:
            setting = "retrieval.aligner.word_size"
            load_word_embeddings(self.aligner.embedding, self.vocabulary, self._pretrained, setting=setting)

    def begin(self, phase: Phase) -> None:
        """Whiten the features of all photos once."""
        assert self.prepared.cache is not None
        whitened = partial(WhitenedFeatureCache, self.aligner.whiten_regions, self.prepared.cache, device=self.device)
        self._train_features = whitened(self.prepared.train.photos, views=2 if self.config.data.flip else 1)
        self._val_features = whitened(self.prepared.val.photos, views=1)

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Read whitened features of photos, the photo of each sentence, and the sentences."""
        data, captions = self.config.data, self.prepared.train.captions
        indices = self.draw(step, self._counts, data.captions_per_photo).unique_photos()
        sentences = [
            captions[photo][caption]
            for photo, chosen in zip(indices.photos, indices.captions, strict=True)
            for caption in chosen
        ]
        owners = np.repeat(np.arange(len(indices.photos)), data.captions_per_photo)
        tensors = sentence_tensors(sentences, max_words=data.max_words)
        return self._train_features.prepare(indices), torch.from_numpy(owners), *tensors

    def loss(self, step: int, batch: tuple[Any, ...]) -> tuple[Tensor, dict[str, float]]:
        """Return the mean loss of each score and, of several, of their sum: each must rank well by itself."""
        features, owners, tokens, lengths = (part.to(self.device) for part in batch)
        photos = self.aligner.embed_photos(features)
        sentences = self.aligner.embed_sentences(tokens, lengths)
        scores = list(self.aligner.scores(photos, sentences).values())
        ranked = [*scores, torch.stack(scores).sum(dim=0)] if len(scores) > 1 else scores
        return torch.stack([self._ranking_loss(each, owners) for each in ranked]).mean(), {}

    def validate(self) -> Validation:
        """Measure recalls both ways; their sum is the score."""
        features, captions = self._val_features.batches(VALIDATION_BATCH), self.prepared.val.captions
        ranked = rank(self.aligner, features, captions, max_words=self.config.data.max_words)
        return Validation(ranked.sum, ranked.named())


def _ranking_loss(config: RankingConfig) -> Callable[[Tensor, Tensor], Tensor]:
    if config.loss == "info_nce":
        return info_nce
    return partial(max_margin if config.loss == "max_margin" else hardest_negative, margin=config.margin)
