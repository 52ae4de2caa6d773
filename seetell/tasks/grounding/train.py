"""The training run of a grounder, on an aligner that stays as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seetell.data.entity_phrases import PhotoPhrases, photo_phrases
from seetell.data.entity_records import EntityDataset
from seetell.data.records import PhotoRecord
from seetell.errors import DataError, RecipeError
from seetell.nn.backbones import weights_hash
from seetell.tasks.grounding.config import GroundingRecipe
from seetell.tasks.grounding.models.grounder import Grounder
from seetell.tasks.grounding.models.losses import grounding_loss
from seetell.tasks.grounding.phrase_targets import Phrases, read_phrases
from seetell.tasks.grounding.validation import locate_all, score_places
from seetell.tasks.retrieval.feature_cache import DescribedPhotos
from seetell.tasks.retrieval.trained import TrainedAligner
from seetell.training.batches import draw
from seetell.training.encoding import Progress, features_cache
from seetell.training.loop import FrozenEncoderRun
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class _Split:
    """The photos of a split that open and have phrases with boxes."""

    photos: list[PhotoRecord]
    written: list[PhotoPhrases]
    phrases: Phrases


class GroundingTrainer(FrozenEncoderRun):
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

    part = "grounder"
    curves = ("R@1", "pointing")
    loss_unit = "weighted sum"

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
        if model.recipe.aligner.similarity == "global":
            raise RecipeError(
                f"start_from: {recipe.start_from} compares whole photos only; expected one that reads words"
            )
        self.recipe, self.model, run = recipe, model, RunFolder(folder)
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        run.claim(recipe)
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
            ).to(recipe.device)
        super().__init__(
            recipe,
            run,
            self.grounder,
            validate_every=recipe.validation.every,
            hashes={"aligner_hash": weights_hash(model.aligner), "phrases_hash": self._phrases_hash()},
            on_step=on_step,
            on_validation=on_validation,
        )

    def _split(self, photos: list[tuple[PhotoRecord, PhotoPhrases]]) -> _Split:
        kept = [(photo, phrases) for photo, phrases in photos if phrases.spans]
        if not kept:
            raise DataError(
                f"{self.recipe.boxes}: training needs photos with boxes in the splits train and val of the data"
            )
        written = [phrases for _, phrases in kept]
        return _Split([photo for photo, _ in kept], written, read_phrases(written, self.model))

    def run(self) -> None:
        """Train until the last step, on descriptions of the photos' cells made once before the first.

        Raises:
            LossExplodedError: the loss is not a number, or too many times the first one.
        """
        described = partial(DescribedPhotos, self.model.aligner.whiten_cells, self._cache, device=torch.device("cpu"))
        self._train_photos = described(self.train.photos, views=2 if self.model.recipe.data.flip else 1)
        self._val_photos = described(self.val.photos, views=1)
        super().run()

    def _batch(self, step: int) -> tuple[Tensor, ...]:
        """Gather descriptions of photos, and phrases with their boxes and the cells these cover."""
        recipe, phrases = self.recipe, self.train.phrases
        drawn = draw(
            step,
            seed=recipe.seed,
            caption_counts=phrases.counts,
            batch_size=recipe.batch_size,
            captions_per_photo=recipe.phrases_per_photo,
            flip=self.model.recipe.data.flip,
        )
        rows = phrases.rows(drawn.photos, drawn.captions)
        boxes, cover = phrases.boxes[rows], phrases.cover[rows].float()
        mirrored = torch.from_numpy(drawn.mirrored)
        boxes[mirrored] = mirrored_boxes(boxes[mirrored])
        grids = cover[mirrored].reshape(-1, recipe.phrases_per_photo, *self.model.encoder.grid_size)
        cover[mirrored] = grids.flip(3).flatten(2)
        return self._train_photos.prepare(drawn), phrases.vectors[rows].float(), boxes, cover

    def _losses(self, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, float]]:
        cells, phrases, boxes, cover = (part.to(self.device) for part in batch)
        return grounding_loss(self.grounder(cells, phrases), boxes, cover), {}

    def _evaluate(self) -> tuple[float, dict[str, float]]:
        photos = self._val_photos.batches(1)
        places = locate_all(self.grounder, photos, self.val.phrases, self.model.encoder.grid_size)
        found = score_places(self.val.written, *places).overall
        values = {"R@1": found.recall or 0.0, "pointing": found.pointing or 0.0}
        total = sum(values.values())
        return total, values | {"sum": total}

    def _phrases_hash(self) -> str:
        digest = hashlib.sha256()
        for split in (self.train, self.val):
            for photo, phrases in zip(split.photos, split.written, strict=True):
                digest.update(repr((photo.id, phrases.sentences, phrases.spans)).encode())
            digest.update(split.phrases.boxes.numpy().tobytes())
        return digest.hexdigest()


def mirrored_boxes(boxes: Tensor) -> Tensor:
    """Return boxes ``(…, 4)``, xyxy in shares of a photo, where they are in its mirror image."""
    left, top, right, bottom = boxes.unbind(dim=-1)
    return torch.stack([1 - right, top, 1 - left, bottom], dim=-1)
