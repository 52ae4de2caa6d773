"""The training loop of an aligner, which may be stopped at any moment and goes on as if it had not been.

As a captioner's, everything a step draws at random follows from the seed and the step's number.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.alignment.aligner import Aligner
from seetell.alignment.losses import hardest_negative, info_nce, max_margin
from seetell.data.records import CaptionDataset
from seetell.errors import CheckpointError, DataError
from seetell.training.alignment_recipe import AlignmentRecipe, RankingConfig
from seetell.training.alignment_validation import rank, sentence_tensors
from seetell.training.averaging import RunningAverage
from seetell.training.batches import ahead, draw, step_seed
from seetell.training.checkpoint import optimiser_arrays, read_checkpoint, restore_optimiser, write_checkpoint
from seetell.training.described_photos import DescribedPhotos, some_features
from seetell.training.encoding import Progress
from seetell.training.explosion import stop_on_explosion
from seetell.training.optimisers import create_optimiser, update
from seetell.training.preparation import prepare
from seetell.training.recipe import FinetuneConfig
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import RunLog, draw_curves, read_log
from seetell.training.schedule import learning_rate_factor
from seetell.training.warm_start import load_words, read_earlier_model

VALIDATION_BATCH = 50
FITTING_PHOTOS = 1000
RECALLS = ("annotation_R@1", "annotation_R@10", "search_R@1", "search_R@10")


class AlignmentTrainer:
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
        self.recipe, self.folder = recipe, RunFolder(folder)
        self._on_step, self._on_validation = on_step, on_validation
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        if any(photo.box is not None for photo in dataset.photos):
            raise DataError(
                f"{dataset.source}: has phrases of regions; an aligner learns from captions of whole photos"
            )
        self.folder.claim(recipe)
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
        self.encoder, self.vocabulary = self.prepared.encoder, self.prepared.vocabulary
        self.device = next(self.encoder.parameters()).device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.aligner = Aligner(
                recipe.aligner,
                feature_size=self.encoder.channels,
                grid_size=self.encoder.grid_size,
                vocabulary_size=len(self.vocabulary),
            ).to(self.device)
        if recipe.ranking.loss != "info_nce":
            self.aligner.fix_scales()
        self._loss = _ranking_loss(recipe.ranking)
        self.optimiser = create_optimiser(recipe.optimiser, self.aligner.parameters())
        self._average: RunningAverage | None = None
        self.step, self.first_loss, self.best = 0, math.nan, -math.inf
        if self.folder.checkpoint.exists():
            self._resume()
        else:
            assert self.prepared.cache is not None
            some = some_features(self.prepared.cache, self.prepared.train.photos, most=FITTING_PHOTOS)
            self.aligner.cpu().fit_features(some)
            self.aligner.to(self.device)
            if earlier is not None and recipe.start_words:
                load_words(self.aligner.embedding, self.vocabulary, earlier)
            if recipe.averaging:
                self._begin_averaging()  # of the weights it begins with: what is not trained stays so
        self.vocabulary.save(self.folder.vocabulary)
        self.log = RunLog(self.folder.log, step=self.step)

    def run(self) -> None:
        """Train until the last step.

        Raises:
            LossExplodedError: the loss is not a number, or too many times the first one.
        """
        recipe, train = self.recipe, self.prepared.train
        last = recipe.steps if recipe.steps != -1 else sys.maxsize
        assert self.prepared.cache is not None
        views = 2 if recipe.data.flip else 1
        source = DescribedPhotos(self.aligner, self.prepared.cache, train.photos, views=views)
        val = DescribedPhotos(self.aligner, self.prepared.cache, self.prepared.val.photos, views=1)
        counts = np.array([len(captions) for captions in train.captions])
        started, begun = time.monotonic(), self.step

        def batch(step: int) -> tuple[Tensor, ...]:
            drawn = draw(
                step,
                seed=recipe.seed,
                caption_counts=counts,
                batch_size=recipe.batch_size,
                captions_per_photo=recipe.data.captions_per_photo,
                flip=recipe.data.flip,
            )
            drawn = drawn.without_repeated_photos()
            sentences = [
                train.captions[photo][caption]
                for photo, chosen in zip(drawn.photos, drawn.captions, strict=True)
                for caption in chosen
            ]
            owners = np.repeat(np.arange(len(drawn.photos)), recipe.data.captions_per_photo)
            tensors = sentence_tensors(sentences, max_words=recipe.data.max_words)
            return source.prepare(drawn), torch.from_numpy(owners), *tensors

        steps = range(self.step, last)
        for step, (prepared, *sentences) in zip(steps, ahead(steps, batch), strict=True):
            factor = learning_rate_factor(recipe.schedule, step, steps=recipe.steps)
            loss = self._train_step(step, prepared, *sentences, factor=factor)
            if math.isnan(self.first_loss):
                self.first_loss = loss
            stop_on_explosion(self.log, step, loss, first=self.first_loss, factor=recipe.explosion_factor)
            self.step = step + 1
            if step % recipe.log_every == 0 or self.step == last:
                pace = (time.monotonic() - started) / (self.step - begun)
                rate = recipe.optimiser.learning_rate * factor
                self.log.write(step, loss=loss, learning_rate=rate, seconds_per_step=round(pace, 4))
            self._on_step(self.step, loss)
            if self.step % recipe.validation.every == 0 or self.step == last:
                with self._average.applied() if self._average is not None else nullcontext():
                    self._validate(step, val)
            if self.step % recipe.checkpoint_every == 0 or self.step == last:
                self._save()

    def _train_step(
        self, step: int, described: Tensor, owners: Tensor, tokens: Tensor, lengths: Tensor, *, factor: float
    ) -> float:
        """Move the parameters once; return the loss."""
        self.aligner.train()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(step_seed(self.recipe.seed, step))
            photos = self.aligner.embed_photos(described.to(self.device))
            sentences = self.aligner.embed_sentences(tokens.to(self.device), lengths.to(self.device))
            loss = self._compare(list(self.aligner.scores(photos, sentences).values()), owners.to(self.device))
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        update(self.optimiser, self.recipe.optimiser, factor=factor)
        if self._average is not None:
            self._average.update()
        return loss.item()

    def _compare(self, scores: list[Tensor], owners: Tensor) -> Tensor:
        """Return the mean loss of each score and, of several, of their sum: each must rank well by itself."""
        ranked = [*scores, torch.stack(scores).sum(dim=0)] if len(scores) > 1 else scores
        return torch.stack([self._loss(each, owners) for each in ranked]).mean()

    def _validate(self, step: int, photos: DescribedPhotos) -> None:
        """Rank photos and sentences; keep the weights if they are the best so far."""
        self.aligner.eval()
        described, captions = photos.batches(VALIDATION_BATCH), self.prepared.val.captions
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
        values["sum"] = found.sum
        self.log.write(step, **values)
        if found.sum > self.best:
            self.best = found.sum
            weights = {"aligner": self.aligner.state_dict()}
            if self.recipe.start_from:
                weights["encoder"] = self.encoder.state_dict()
            facts = {"step": self.step, "encoder_hash": self.prepared.encoder_hash, "scores": values}
            write_checkpoint(self.folder.best, weights, facts | {"vocabulary_hash": self.vocabulary.hash})
        draw_curves(read_log(self.folder.log), self.folder.curves, scores=RECALLS, loss_unit="nats")
        self._on_validation({"step": self.step, **values})

    def _save(self) -> None:
        parts = {"aligner": self.aligner.state_dict(), "optimiser": optimiser_arrays(self.optimiser)}
        if self._average is not None:
            parts["average"] = self._average.values
        facts = {
            "step": self.step,
            "first_loss": self.first_loss,
            "best": None if self.best == -math.inf else self.best,
            "averaged": 0 if self._average is None else self._average.updates,
            **self._hashes(),
        }
        write_checkpoint(self.folder.checkpoint, parts, facts)

    def _resume(self) -> None:
        parts, facts = read_checkpoint(self.folder.checkpoint)
        changed = [name.removesuffix("_hash") for name, value in self._hashes().items() if facts.get(name) != value]
        if changed:
            raise CheckpointError(
                f"{self.folder.path}: the {' and '.join(changed)} changed since this run began; "
                "name another folder with --output, or start over with --restart"
            )
        self.step, self.first_loss = facts["step"], facts["first_loss"]
        self.best = -math.inf if facts["best"] is None else facts["best"]
        self.aligner.load_state_dict(parts["aligner"])
        restore_optimiser(self.optimiser, parts.get("optimiser", {}))
        if self.recipe.averaging:
            self._begin_averaging().restore(parts["average"], updates=facts["averaged"])

    def _begin_averaging(self) -> RunningAverage:
        self._average = RunningAverage({"aligner": self.aligner}, decay=self.recipe.averaging)
        return self._average

    def _hashes(self) -> dict[str, str]:
        """Identify what a run began with and must go on with."""
        return {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": self.prepared.encoder_hash,
            "data_hash": self.prepared.data_hash(),
        }


def _ranking_loss(config: RankingConfig) -> Callable[[Tensor, Tensor], Tensor]:
    if config.loss == "info_nce":
        return info_nce
    return partial(max_margin if config.loss == "max_margin" else hardest_negative, margin=config.margin)
