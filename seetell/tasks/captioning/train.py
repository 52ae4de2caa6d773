"""The training loop: from a recipe and a data set to a folder with the best weights, a log and curves.

Everything a step draws at random follows from the seed and the step's number, so that a run stopped at any moment and
started again goes on exactly as if it had never stopped.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data.records import CaptionDataset
from seetell.errors import CheckpointError
from seetell.nn.backbones import Features
from seetell.tasks.captioning.distillation import Teachers
from seetell.tasks.captioning.models import USES_GRID, create_captioner
from seetell.tasks.captioning.region_features import RegionFeatures, check_regions
from seetell.tasks.captioning.scheduled_sampling import with_own_words
from seetell.tasks.captioning.self_critical import CiderReward, SelfCriticalLoss
from seetell.tasks.captioning.teachers import load_teachers
from seetell.tasks.captioning.validation import caption_features, language_scores, validation_loss
from seetell.training.batches import ahead, caption_tensors, draw, step_seed
from seetell.training.checkpoint import optimiser_arrays, read_checkpoint, restore_optimiser, write_checkpoint
from seetell.training.config import Recipe
from seetell.training.divergence import stop_on_explosion
from seetell.training.ema import RunningAverage
from seetell.training.encoding import Progress
from seetell.training.features import CachedFeatures, PixelFeatures, late_features, split_features
from seetell.training.optimisers import OptimiserConfig, create_optimiser, update
from seetell.training.preparation import CaptionedPhotos, prepare
from seetell.training.pretrained import load_captioner, read_earlier_model
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import RunLog, draw_curves, read_log
from seetell.training.schedule import learning_rate_factor

VALIDATION_BATCH = 50
FITTING_PHOTOS = 1000


class Trainer:
    """One training run.

    Args:
        recipe: what to do.
        dataset: photos and captions with their splits.
        folder: of the run; gone on with when it holds a checkpoint of the same recipe.
        on_step: told after each step how many are done, and the loss.
        on_validation: told the validation's loss and scores.
        on_encoding: told how many of how many photos are encoded before training.

    Raises:
        CheckpointError: the folder holds a run of another recipe or of other captions.
        DataError: there is nothing to train on.
    """

    def __init__(
        self,
        recipe: Recipe,
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
        self.folder.claim(recipe)
        self._of_regions = any(photo.box is not None for photo in dataset.photos)
        if self._of_regions:
            check_regions(recipe)
        earlier = read_earlier_model(Path(recipe.start_from)) if recipe.start_from else None
        self.prepared = prepare(
            dataset,
            earlier,
            data=recipe.data,
            encoder=recipe.encoder,
            finetune=recipe.finetune,
            validation_photos=recipe.validation.photos,
            device=recipe.device,
            with_grid=self._of_regions or USES_GRID[recipe.architecture],
            progress=on_encoding,
        )
        self.failures = self.prepared.failures
        self.encoder, self.vocabulary = self.prepared.encoder, self.prepared.vocabulary
        self.device = next(self.encoder.parameters()).device
        self._teachers: Teachers | None = None
        if recipe.distillation.teachers:
            photos = self.prepared.train.photos
            self._teachers = load_teachers(recipe, photos, self.vocabulary, device=self.device, progress=on_encoding)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.captioner = create_captioner(
                recipe.architecture,
                recipe.captioner,
                feature_size=self.encoder.channels,
                vocabulary_size=len(self.vocabulary),
                locations=math.prod(self.encoder.grid_size),
            ).to(self.device)
        self.optimiser = create_optimiser(recipe.optimiser, self.captioner.parameters())
        self.encoder_optimiser: torch.optim.Optimizer | None = None
        self._self_critical: SelfCriticalLoss | None = None
        self._average: RunningAverage | None = None
        self.step, self.first_loss, self.best = 0, math.nan, -math.inf
        if self.folder.checkpoint.exists():
            self._resume()
        else:
            self._fit_features()
            if earlier is not None:
                load_captioner(self.captioner, self.vocabulary, earlier)
            if recipe.averaging:
                self._begin_averaging()
        self.vocabulary.save(self.folder.vocabulary)
        self.log = RunLog(self.folder.log, step=self.step)

    def run(self) -> None:
        """Train until the last step.

        Raises:
            LossExplodedError: the loss is not a number, or too many times the first one.
        """
        last = self.recipe.steps if self.recipe.steps != -1 else sys.maxsize
        switch = self.recipe.finetune.after
        phases = [(self.step, last)]
        if self.step < switch < last and self.prepared.cache is not None:
            phases = [(self.step, switch), (switch, last)]
        for begin, end in phases:
            self._run_phase(range(begin, end), last)

    def _source(self, captioned: CaptionedPhotos, step: int) -> CachedFeatures | RegionFeatures | PixelFeatures:
        """Choose where features come from at a step."""
        prepared = self.prepared
        if self._of_regions:
            assert prepared.cache is not None
            return RegionFeatures(prepared.cache, captioned.photos, grid_size=self.encoder.grid_size)
        if prepared.cache is not None and not self._finetuning(step):
            return CachedFeatures(prepared.cache, captioned.photos, split_features)
        if prepared.activations is not None:
            read = late_features(self.encoder, frozen_stages=self.recipe.finetune.frozen_stages)
            return CachedFeatures(prepared.activations, captioned.photos, read)
        return PixelFeatures(self.encoder, captioned.photos, crop=self.recipe.data.crop)

    def _fit_features(self) -> None:
        """Show the captioner features of training photos, spread over the whole split."""
        train = self.prepared.train
        stride = -(-len(train.photos) // FITTING_PHOTOS)
        some = CaptionedPhotos(train.photos[::stride], train.captions[::stride])
        batches = list(self._source(some, step=-1).batches(VALIDATION_BATCH))
        pooled = torch.cat([features.pooled for features in batches]).to(self.device)
        grids = [features.grid for features in batches if features.grid is not None]
        with torch.no_grad():
            self.captioner.fit_normalisation(Features(pooled, torch.cat(grids).to(self.device) if grids else None))

    def _finetuning(self, step: int) -> bool:
        return 0 <= self.recipe.finetune.after <= step

    def _run_phase(self, steps: range, last: int) -> None:
        """Train over steps whose features come from one source."""
        recipe, train = self.recipe, self.prepared.train
        source = self._source(train, steps.start) if steps else None
        counts = np.array([len(captions) for captions in train.captions])
        started, begun = time.monotonic(), steps.start

        def batch(step: int) -> tuple[Tensor, ...]:
            assert source is not None
            drawn = draw(
                step,
                seed=recipe.seed,
                caption_counts=counts,
                batch_size=recipe.batch_size,
                captions_per_photo=recipe.data.captions_per_photo,
                flip=recipe.data.flip,
            )
            captions = [
                [train.captions[photo][caption] for caption in chosen]
                for photo, chosen in zip(drawn.photos, drawn.captions, strict=True)
            ]
            tensors = caption_tensors(captions, max_words=recipe.data.max_words)
            teaching = () if self._teachers is None or self._rewarded(step) else self._teachers.prepare(drawn)
            return source.prepare(drawn), torch.from_numpy(drawn.photos), *tensors, *teaching

        for step, (prepared, *examples) in zip(steps, ahead(steps, batch), strict=True):
            assert source is not None
            factor = self._learning_rate_factor(step)
            loss, extra = self._train_step(step, source, prepared, examples, factor)
            self._stop_on_explosion(step, loss)
            self.step = step + 1
            if step % recipe.log_every == 0 or self.step == last:
                pace = (time.monotonic() - started) / (self.step - begun)
                rate = self._optimiser_config(step).learning_rate * factor
                self.log.write(step, loss=loss, **extra, learning_rate=rate, seconds_per_step=round(pace, 4))
            self._on_step(self.step, loss)
            if self.step % recipe.validation.every == 0 or self.step == last:
                with self._average.applied() if self._average is not None else nullcontext():
                    self._validate(step)
            if self.step % recipe.checkpoint_every == 0 or self.step == last:
                self._save()

    def _train_step(
        self,
        step: int,
        source: CachedFeatures | RegionFeatures | PixelFeatures,
        prepared: Tensor,
        examples: Sequence[Tensor],
        factor: float,
    ) -> tuple[float, dict[str, float]]:
        """Move the parameters once; return the loss per word, and what else the log should say."""
        if self._finetuning(step) and self.encoder_optimiser is None:
            self._begin_finetuning()
        if self._rewarded(step) and self._self_critical is None:
            self._begin_self_critical()
        self.captioner.train()
        moved = [(self.optimiser, self._optimiser_config(step))]
        if self.encoder_optimiser is not None and not self._rewarded(step):
            moved.append((self.encoder_optimiser, self.recipe.finetune.optimiser))
        self.encoder.train(len(moved) > 1)
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(step_seed(self.recipe.seed, step))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.mixed_precision):
                loss, extra = self._loss(step, source.features(prepared.to(self.device)), *examples)
            for optimiser, _ in moved:
                optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        for optimiser, config in moved:
            update(optimiser, config, factor=factor)
        if self._average is not None:
            self._average.update()
        return loss.item(), extra

    def _loss(
        self, step: int, features: Features, photos: Tensor, inputs: Tensor, targets: Tensor, *teaching: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """Compare the captioner's words with people's and teachers', or with their reward once it learns from that."""
        if self._self_critical is not None:
            loss, reward = self._self_critical(self.captioner, features, photos.tolist())
            return loss, {"reward": reward}
        inputs, targets = inputs.to(self.device), targets.to(self.device)
        if probability := self.recipe.scheduled_sampling.probability(step):
            inputs = with_own_words(self.captioner, features, inputs, targets, probability=probability)
        soft_targets = self._teachers.soft_targets(teaching, inputs, targets) if self._teachers is not None else None
        smoothing = self.recipe.label_smoothing
        return self.captioner.loss(features, inputs, targets, label_smoothing=smoothing, soft_targets=soft_targets), {}

    def _rewarded(self, step: int) -> bool:
        return 0 <= self.recipe.self_critical.after <= step

    def _begin_self_critical(self) -> None:
        config = self.recipe.self_critical
        reward = CiderReward([photo.captions for photo in self.prepared.train.photos], self.vocabulary)
        self._self_critical = SelfCriticalLoss(config, reward, max_words=self.recipe.data.max_words)
        self.optimiser = create_optimiser(config.optimiser, self.captioner.parameters())
        self.encoder.requires_grad_(False)

    def _begin_averaging(self) -> None:
        modules = {"captioner": self.captioner, "encoder": self.encoder}
        self._average = RunningAverage(modules, decay=self.recipe.averaging)

    def _optimiser_config(self, step: int) -> OptimiserConfig:
        return self.recipe.self_critical.optimiser if self._rewarded(step) else self.recipe.optimiser

    def _learning_rate_factor(self, step: int) -> float:
        """The schedule runs its course twice where the captioner learns from rewards at last."""
        switch, steps = self.recipe.self_critical.after, self.recipe.steps
        if self._rewarded(step):
            return learning_rate_factor(self.recipe.schedule, step - switch, steps=steps - switch)
        return learning_rate_factor(self.recipe.schedule, step, steps=steps if switch < 0 else switch)

    def _begin_finetuning(self) -> None:
        finetune = self.recipe.finetune
        trainable = self.encoder.trainable(frozen_stages=finetune.frozen_stages)
        for parameter in trainable:
            parameter.requires_grad_(True)
        self.encoder_optimiser = create_optimiser(finetune.optimiser, trainable)

    def _stop_on_explosion(self, step: int, loss: float) -> None:
        if self._rewarded(step) and math.isfinite(loss):
            return  # a loss around zero, of either sign: nothing to compare it with
        if math.isnan(self.first_loss):
            self.first_loss = loss
        stop_on_explosion(self.log, step, loss, first=self.first_loss, factor=self.recipe.explosion_factor)

    def _validate(self, step: int) -> None:
        """Measure loss and scores; keep the weights, and what they said, if they are the best so far."""
        self.captioner.eval()
        self.encoder.eval()
        recipe, val = self.recipe, self.prepared.val
        losses, captions, done = [], [], 0
        for features in self._source(val, step).batches(VALIDATION_BATCH):
            grid = None if features.grid is None else features.grid.to(self.device)
            features = Features(pooled=features.pooled.to(self.device), grid=grid)
            batch = val.captions[done : done + VALIDATION_BATCH]
            losses.append(validation_loss(self.captioner, features, batch, max_words=recipe.data.max_words))
            if recipe.validation.language:
                captions += caption_features(self.captioner, features, recipe.validation.decoding, self.vocabulary)
            done += len(batch)
        nats, words = (sum(column) for column in zip(*losses, strict=True))
        values = {"validation_loss": nats / words}
        if recipe.validation.language:
            values |= language_scores(val.photos, captions)
        self.log.write(step, **values)
        score = values.get("CIDEr", -values["validation_loss"])
        if score > self.best:
            self.best = score
            facts = {"step": self.step, "encoder_hash": self.prepared.encoder_hash, "scores": values}
            write_checkpoint(self.folder.best, self._weights(), facts | {"vocabulary_hash": self.vocabulary.hash})
            if recipe.validation.language:
                rows = [{"image_id": p.id, "caption": c} for p, c in zip(val.photos, captions, strict=True)]
                partial = self.folder.captions.with_suffix(".partial")
                partial.write_text(json.dumps(rows, ensure_ascii=False, indent=0), encoding="utf-8")
                os.replace(partial, self.folder.captions)
        draw_curves(read_log(self.folder.log), self.folder.curves)
        self._on_validation({"step": self.step, **values})

    def _weights(self) -> dict[str, dict[str, Tensor]]:
        """The captioner's weights, and the encoder's once they have been trained."""
        weights = {"captioner": self.captioner.state_dict()}
        if self.encoder_optimiser is not None or self.recipe.start_from:
            weights["encoder"] = self.encoder.state_dict()
        return weights

    def _save(self) -> None:
        parts = self._weights() | {"optimiser": optimiser_arrays(self.optimiser)}
        if self.encoder_optimiser is not None:
            parts["encoder_optimiser"] = optimiser_arrays(self.encoder_optimiser)
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
        self.captioner.load_state_dict(parts["captioner"])
        if "encoder" in parts:
            self.encoder.load_state_dict(parts["encoder"])
        if self._finetuning(self.step - 1):
            self._begin_finetuning()
            assert self.encoder_optimiser is not None
            restore_optimiser(self.encoder_optimiser, parts.get("encoder_optimiser", {}))
        if self._rewarded(self.step - 1):
            self._begin_self_critical()
        restore_optimiser(self.optimiser, parts.get("optimiser", {}))  # plain sgd keeps none
        if self.recipe.averaging:
            self._begin_averaging()
            assert self._average is not None
            self._average.restore(parts["average"], updates=facts["averaged"])

    def _hashes(self) -> dict[str, str | None]:
        """Identify what a run began with and must go on with."""
        return {
            "vocabulary_hash": self.vocabulary.hash,
            "encoder_hash": self.prepared.encoder_hash,
            "data_hash": self.prepared.data_hash(),
            "teachers_hash": None if self._teachers is None else self._teachers.hash,
        }
