"""The training loop of a grounder, which may be stopped at any moment and goes on as if it had not been.

As a captioner's, everything a step draws at random follows from the seed and the step's number.
"""

from __future__ import annotations

import hashlib
import math
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seetell.alignment.grounding import Grounder
from seetell.alignment.grounding_loss import grounding_loss
from seetell.backbones import weights_hash
from seetell.data.entity_phrases import PhotoPhrases, photo_phrases
from seetell.data.entity_records import EntityDataset
from seetell.data.records import PhotoRecord
from seetell.errors import CheckpointError, DataError, RecipeError
from seetell.training.averaging import RunningAverage
from seetell.training.batches import ahead, draw, step_seed
from seetell.training.checkpoint import optimiser_arrays, read_checkpoint, restore_optimiser, write_checkpoint
from seetell.training.described_photos import DescribedPhotos
from seetell.training.encoding import Progress, features_cache
from seetell.training.explosion import stop_on_explosion
from seetell.training.grounding_recipe import GroundingRecipe
from seetell.training.grounding_validation import locate_all, score_places
from seetell.training.optimisers import create_optimiser, update
from seetell.training.phrases import Phrases, read_phrases
from seetell.training.run_folder import RunFolder
from seetell.training.run_log import RunLog, draw_curves, read_log
from seetell.training.schedule import learning_rate_factor
from seetell.training.trained_aligner import TrainedAligner


@dataclass(frozen=True)
class _Split:
    """The photos of a split that open and have phrases with boxes."""

    photos: list[PhotoRecord]
    written: list[PhotoPhrases]
    phrases: Phrases


class GroundingTrainer:
    """One training run of a grounder.

    Args:
        recipe: what to do.
        model: the aligner that the recipe starts from.
        dataset: the aligner's photos with phrases and boxes.
        folder: of the run; gone on with when it holds a checkpoint of the same recipe.
        on_step: told after each step how many are done, and the loss.
        on_validation: told the scores.
        on_encoding: told how many of how many photos are encoded before training.

    Raises:
        CheckpointError: the folder holds a run of another recipe, of another aligner or of other phrases.
        DataError: there is nothing to train on.
        RecipeError: the aligner does not compare words with places.
    """

    def __init__(
        self,
        recipe: GroundingRecipe,
        model: TrainedAligner,
        dataset: EntityDataset,
        folder: Path,
        *,
        on_step: Callable[[int, float], None] = lambda step, loss: None,
        on_validation: Callable[[dict[str, Any]], None] = lambda values: None,
        on_encoding: Progress = lambda done, total: None,
    ) -> None:
        if model.recipe.aligner.compares == "whole":
            raise RecipeError(
                f"start_from: {recipe.start_from} compares whole photos only; expected one that reads words"
            )
        self.recipe, self.model, self.folder = recipe, model, RunFolder(folder)
        self._on_step, self._on_validation = on_step, on_validation
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        self.folder.claim(recipe)
        self.device = torch.device(recipe.device)
        splits = {name: dataset.split(name) for name in ("train", "val")}
        if recipe.validation.photos != -1:
            splits["val"] = splits["val"][: recipe.validation.photos]
        self._cache, self.failures = features_cache(
            model.recipe.encoder.cache,
            model.encoder,
            [photo.photo.path for photos in splits.values() for photo in photos],
            with_grid=True,
            flips=model.recipe.data.flip,
            progress=on_encoding,
        )
        words = model.recipe.data.max_words
        self.train, self.val = (
            self._split(
                [
                    (photo.photo, photo_phrases(photo, max_words=words))
                    for photo in splits[name]
                    if photo.photo.path not in self.failures
                ]
            )
            for name in ("train", "val")
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.grounder = Grounder(
                recipe.grounder,
                components=model.recipe.aligner.components,
                cells=self.train.phrases.cover.shape[1],
                words=self.train.phrases.vectors.shape[1],
            ).to(self.device)
        self.optimiser = create_optimiser(recipe.optimiser, self.grounder.parameters())
        named = {"grounder": self.grounder}
        self._average = RunningAverage(named, decay=recipe.averaging) if recipe.averaging else None
        self.step, self.first_loss, self.best = 0, math.nan, -math.inf
        if self.folder.checkpoint.exists():
            self._resume()
        self.log = RunLog(self.folder.log, step=self.step)

    def _split(self, photos: list[tuple[PhotoRecord, PhotoPhrases]]) -> _Split:
        kept = [(photo, phrases) for photo, phrases in photos if phrases.spans]
        if not kept:
            raise DataError(
                f"{self.recipe.boxes}: training needs photos with boxes in the splits train and val of the data"
            )
        written = [phrases for _, phrases in kept]
        return _Split([photo for photo, _ in kept], written, read_phrases(written, self.model))

    def run(self) -> None:
        """Train until the last step.

        Raises:
            LossExplodedError: the loss is not a number, or too many times the first one.
        """
        recipe, phrases = self.recipe, self.train.phrases
        last = recipe.steps if recipe.steps != -1 else sys.maxsize
        flip = self.model.recipe.data.flip
        described = partial(DescribedPhotos, self.model.aligner.describe_cells, self._cache, device=torch.device("cpu"))
        source = described(self.train.photos, views=2 if flip else 1)
        val = described(self.val.photos, views=1)
        started, begun = time.monotonic(), self.step

        def batch(step: int) -> tuple[Tensor, ...]:
            drawn = draw(
                step,
                seed=recipe.seed,
                caption_counts=phrases.counts,
                batch_size=recipe.batch_size,
                captions_per_photo=recipe.phrases_per_photo,
                flip=flip,
            )
            rows = phrases.rows(drawn.photos, drawn.captions)
            boxes, cover = phrases.boxes[rows], phrases.cover[rows].float()
            mirrored = torch.from_numpy(drawn.mirrored)
            boxes[mirrored] = mirrored_boxes(boxes[mirrored])
            grids = cover[mirrored].reshape(-1, recipe.phrases_per_photo, *self.model.encoder.grid_size)
            cover[mirrored] = grids.flip(3).flatten(2)
            return source.prepare(drawn), phrases.vectors[rows].float(), boxes, cover

        steps = range(self.step, last)
        for step, tensors in zip(steps, ahead(steps, batch), strict=True):
            factor = learning_rate_factor(recipe.schedule, step, steps=recipe.steps)
            loss = self._train_step(step, *tensors, factor=factor)
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
        self, step: int, cells: Tensor, phrases: Tensor, boxes: Tensor, cover: Tensor, *, factor: float
    ) -> float:
        """Move the parameters once; return the loss."""
        self.grounder.train()
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(step_seed(self.recipe.seed, step))
            located = self.grounder(cells.to(self.device), phrases.to(self.device))
            loss = grounding_loss(located, boxes.to(self.device), cover.to(self.device))
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        update(self.optimiser, self.recipe.optimiser, factor=factor)
        if self._average is not None:
            self._average.update()
        return loss.item()

    def _validate(self, step: int, photos: DescribedPhotos) -> None:
        """Locate the validation phrases; keep the weights if they are the best so far."""
        self.grounder.eval()
        places = locate_all(self.grounder, photos.batches(1), self.val.phrases, self.model.encoder.grid_size)
        found = score_places(self.val.written, *places).overall
        values = {"R@1": found.recall or 0.0, "pointing": found.pointing or 0.0}
        values["sum"] = sum(values.values())
        self.log.write(step, **values)
        if values["sum"] > self.best:
            self.best = values["sum"]
            facts = {"step": self.step, "scores": values, "aligner_hash": weights_hash(self.model.aligner)}
            write_checkpoint(self.folder.best, {"grounder": self.grounder.state_dict()}, facts)
        draw_curves(read_log(self.folder.log), self.folder.curves, scores=("R@1", "pointing"), loss_unit="weighted sum")
        self._on_validation({"step": self.step, **values})

    def _save(self) -> None:
        parts = {"grounder": self.grounder.state_dict(), "optimiser": optimiser_arrays(self.optimiser)}
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
        self.grounder.load_state_dict(parts["grounder"])
        restore_optimiser(self.optimiser, parts.get("optimiser", {}))
        if self._average is not None:
            self._average.restore(parts["average"], updates=facts["averaged"])

    def _hashes(self) -> dict[str, str]:
        """Identify what a run began with and must go on with."""
        digest = hashlib.sha256()
        for split in (self.train, self.val):
            for photo, phrases in zip(split.photos, split.written, strict=True):
                digest.update(repr((photo.id, phrases.sentences, phrases.spans)).encode())
            digest.update(split.phrases.boxes.numpy().tobytes())
        return {"aligner_hash": weights_hash(self.model.aligner), "phrases_hash": digest.hexdigest()}


def mirrored_boxes(boxes: Tensor) -> Tensor:
    """Return boxes ``(…, 4)``, xyxy in shares of a photo, where they are in its mirror image."""
    left, top, right, bottom = boxes.unbind(dim=-1)
    return torch.stack([1 - right, top, 1 - left, bottom], dim=-1)
