"""The training run of an aligner on a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data.records import CaptionDataset
from seetell.errors import DataError
from seetell.tasks.retrieval.config import AlignmentRecipe, RankingConfig
from seetell.tasks.retrieval.feature_cache import DescribedPhotos, some_features
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.tasks.retrieval.models.losses import hardest_negative, info_nce, max_margin
from seetell.tasks.retrieval.validation import rank, sentence_tensors
from seetell.training.batches import draw
from seetell.training.config import FinetuneConfig
from seetell.training.encoding import Progress
from seetell.training.loop import FrozenEncoderRun
from seetell.training.preparation import prepare
from seetell.training.pretrained import load_words, read_earlier_model
from seetell.training.run_folder import RunFolder

VALIDATION_BATCH = 50
FITTING_PHOTOS = 1000


class AlignmentTrainer(FrozenEncoderRun):
    """One training run of an aligner.

    Args:
        recipe: what to do.
        dataset: photos and sentences with their splits.
        folder: of the run; gone on with when it holds a checkpoint of the same recipe.
        on_step: told after each step how many are done, and the loss.
        on_validation: told the recalls.
        on_encoding: told how many of how many photos are encoded before training.

    Raises:
        CheckpointError: the folder holds a run of another recipe or of other sentences.
        DataError: there is nothing to train on.
    """

    part = "aligner"
    curves = ("annotation_R@1", "annotation_R@10", "search_R@1", "search_R@10")

    def __init__(
        self,
        recipe: AlignmentRecipe,
        dataset: CaptionDataset,
        folder: Path,
        *,
        on_step: Callable[[int, float], None] = lambda step, loss: None,
        on_validation: Callable[[dict[str, Any]], None] = lambda values: None,
        on_encoding: Progress = lambda done, total: None,
    ) -> None:
        self.recipe, run = recipe, RunFolder(folder)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        if any(photo.box is not None for photo in dataset.photos):
            raise DataError(
                f"{dataset.source}: has phrases of regions; an aligner learns from captions of whole photos"
            )
        run.claim(recipe)
        earlier = read_earlier_model(Path(recipe.start_from)) if recipe.start_from else None
        self.prepared = prepare(
            dataset,
            earlier,
            data=recipe.data,
            encoder=recipe.encoder,
            finetune=FinetuneConfig(),
            validation_photos=recipe.validation.photos,
            device=recipe.device,
            with_grid=True,
            progress=on_encoding,
        )
        self.failures = self.prepared.failures
        self.encoder, self.vocabulary = self.prepared.encoder, self.prepared.vocabulary
        device = next(self.encoder.parameters()).device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.aligner = Aligner(
                recipe.aligner,
                feature_size=self.encoder.channels,
                grid_size=self.encoder.grid_size,
                vocabulary_size=len(self.vocabulary),
            )
        if recipe.ranking.loss != "info_nce":
            self.aligner.freeze_temperature()
        self._loss = _ranking_loss(recipe.ranking)
        if not run.checkpoint.exists():
            assert self.prepared.cache is not None
            some = some_features(self.prepared.cache, self.prepared.train.photos, most=FITTING_PHOTOS)
            self.aligner.fit_normalisation(some)
            if earlier is not None and recipe.start_words:
                load_words(self.aligner.embedding, self.vocabulary, earlier)
        self.aligner.to(device)
        self.vocabulary.save(run.vocabulary)
        super().__init__(
            recipe,
            run,
            self.aligner,
            validate_every=recipe.validation.every,
            hashes={
                "vocabulary_hash": self.vocabulary.hash,
                "encoder_hash": self.prepared.encoder_hash,
                "data_hash": self.prepared.data_hash(),
            },
            on_step=on_step,
            on_validation=on_validation,
        )

    def run(self) -> None:
        """Train until the last step, on descriptions of the photos made once before the first.

        Raises:
            LossExplodedError: the loss is not a number, or too many times the first one.
        """
        train, val, cache = self.prepared.train, self.prepared.val, self.prepared.cache
        assert cache is not None
        described = partial(DescribedPhotos, self.aligner.whiten_regions, cache, device=self.device)
        views = 2 if self.recipe.data.flip else 1
        self._train_photos = described(train.photos, views=views)
        self._val_photos = described(val.photos, views=1)
        self._counts = np.array([len(captions) for captions in train.captions])
        super().run()

    def _batch(self, step: int) -> tuple[Tensor, ...]:
        """Gather descriptions of photos, the photo that each sentence is of, and the sentences."""
        data, captions = self.recipe.data, self.prepared.train.captions
        drawn = draw(
            step,
            seed=self.recipe.seed,
            caption_counts=self._counts,
            batch_size=self.recipe.batch_size,
            captions_per_photo=data.captions_per_photo,
            flip=data.flip,
        ).without_repeated_photos()
        sentences = [
            captions[photo][caption]
            for photo, chosen in zip(drawn.photos, drawn.captions, strict=True)
            for caption in chosen
        ]
        owners = np.repeat(np.arange(len(drawn.photos)), data.captions_per_photo)
        tensors = sentence_tensors(sentences, max_words=data.max_words)
        return self._train_photos.prepare(drawn), torch.from_numpy(owners), *tensors

    def _losses(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, float]]:
        described, owners, tokens, lengths = (part.to(self.device) for part in batch)
        photos = self.aligner.embed_photos(described)
        sentences = self.aligner.embed_sentences(tokens, lengths)
        return self._compare(list(self.aligner.scores(photos, sentences).values()), owners), {}

    def _compare(self, scores: list[Tensor], owners: Tensor) -> Tensor:
        """Return the mean loss of each score and, of several, of their sum: each must rank well by itself."""
        ranked = [*scores, torch.stack(scores).sum(dim=0)] if len(scores) > 1 else scores
        return torch.stack([self._loss(each, owners) for each in ranked]).mean()

    def _evaluate(self) -> tuple[float, dict[str, float]]:
        described, captions = self._val_photos.batches(VALIDATION_BATCH), self.prepared.val.captions
        found = rank(self.aligner, described, captions, max_words=self.recipe.data.max_words)
        values = {
            f"{way}_{name}": value
            for way, ranking in (("annotation", found.annotation), ("search", found.search))
            for name, value in (
                ("R@1", ranking.r1),
                ("R@5", ranking.r5),
                ("R@10", ranking.r10),
                ("median", ranking.median_rank),
            )
        }
        return found.sum, values | {"sum": found.sum}

    def _best_parts(self) -> dict[str, dict[str, Tensor]]:
        parts = super()._best_parts()
        return parts | {"encoder": self.encoder.state_dict()} if self.recipe.start_from else parts


def _ranking_loss(config: RankingConfig) -> Callable[[Tensor, Tensor], Tensor]:
    if config.loss == "info_nce":
        return info_nce
    return partial(max_margin if config.loss == "max_margin" else hardest_negative, margin=config.margin)
