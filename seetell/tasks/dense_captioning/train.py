"""The training run of a dense captioner on a frozen encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seetell.data.region_records import RegionDataset
from seetell.nn.backbones import Encoder
from seetell.tasks.captioning.models import create_captioner
from seetell.tasks.dense_captioning.config import DenseRecipe
from seetell.tasks.dense_captioning.models.densecap import DenseCap
from seetell.tasks.dense_captioning.region_targets import CachedMaps, mirrored_boxes, prepare_regions
from seetell.tasks.dense_captioning.validation import validate
from seetell.training.batches import caption_tensors, draw
from seetell.training.encoding import Progress
from seetell.training.loop import FrozenEncoderRun
from seetell.training.pretrained import load_words, read_earlier_model
from seetell.training.run_folder import RunFolder

FITTING_PHOTOS = 200


class DenseTrainer(FrozenEncoderRun):
    """One training run of a dense captioner.

    Args:
        recipe: what to do.
        dataset: photos and regions with their splits.
        folder: of the run; gone on with when it holds a checkpoint of the same recipe.
        on_step: told after each step how many are done, and the loss.
        on_validation: told the scores.
        on_encoding: told how many of how many photos are encoded before training.

    Raises:
        CheckpointError: the folder holds a run of another recipe or of other regions.
        DataError: there is nothing to train on.
    """

    part = "densecap"
    curves = ("dense_mAP", "detection_mAP", "recall@100")

    def __init__(
        self,
        recipe: DenseRecipe,
        dataset: RegionDataset,
        folder: Path,
        *,
        on_step: Callable[[int, float], None] = lambda step, loss: None,
        on_validation: Callable[[dict[str, Any]], None] = lambda values: None,
        on_encoding: Progress = lambda done, total: None,
    ) -> None:
        self.recipe = recipe
        if recipe.threads:
            torch.set_num_threads(recipe.threads)
        run = RunFolder(folder)
        run.claim(recipe)
        earlier = read_earlier_model(Path(recipe.start_from)) if recipe.start_from else None
        self.prepared = prepare_regions(recipe, dataset, earlier, progress=on_encoding)
        self.failures = self.prepared.failures
        prepared, self.encoder, self.vocabulary = self.prepared, self.prepared.encoder, self.prepared.vocabulary
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            self.densecap = create_densecap(recipe, self.encoder, vocabulary_size=len(self.vocabulary))
        shapes = map_shapes(self.encoder, recipe.densecap.strides)
        self._train = CachedMaps(prepared.cache, [photo.path for photo in prepared.train.photos], shapes)
        self._val = CachedMaps(prepared.cache, [photo.path for photo in prepared.val.photos], shapes)
        if not run.checkpoint.exists():
            some = np.linspace(0, len(self._train) - 1, min(FITTING_PHOTOS, len(self._train))).astype(np.int64)
            self.densecap.pyramid.fit(self._train.read(some))
            if earlier is not None and recipe.start_words:
                load_words(self.densecap.captioner.word_embedding, self.vocabulary, earlier)
        self.densecap.to(recipe.device)
        self.vocabulary.save(run.vocabulary)
        super().__init__(
            recipe,
            run,
            self.densecap,
            validate_every=recipe.validation.every,
            hashes={
                "vocabulary_hash": self.vocabulary.hash,
                "encoder_hash": prepared.encoder_hash,
                "data_hash": prepared.data_hash(),
            },
            on_step=on_step,
            on_validation=on_validation,
        )

    def _batch(self, step: int) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
        """Gather maps, boxes and one phrase for each region."""
        train, seed = self.prepared.train, self.recipe.seed
        drawn = draw(
            step,
            seed=seed,
            caption_counts=np.ones(len(train.photos), np.int64),
            batch_size=self.recipe.batch_size,
            captions_per_photo=1,
            flip=self.recipe.data.flip,
        ).without_repeated_photos()
        random = np.random.default_rng((seed, 4, step))
        width = self.encoder.preprocessing.width
        boxes, said = [], []
        for photo, mirrored in zip(drawn.photos, drawn.mirrored, strict=True):
            boxes.append(mirrored_boxes(train.boxes[photo], width) if mirrored else train.boxes[photo])
            said += [[phrases[random.integers(len(phrases))]] for phrases in train.phrases[photo]]
        inputs, targets = caption_tensors(said, max_words=self.recipe.data.max_words)
        return self._train.read(drawn.photos, drawn.mirrored), boxes, inputs[:, 0], targets[:, 0]

    def _losses(self, batch: tuple[Any, ...]) -> tuple[Tensor, dict[str, float]]:
        maps, boxes, inputs, targets = batch
        losses = self.densecap.losses(
            [activation.to(self.device) for activation in maps],
            [each.to(self.device) for each in boxes],
            inputs.to(self.device),
            targets.to(self.device),
            label_smoothing=self.recipe.label_smoothing,
        )
        parts = {f"{name}_loss": round(loss.item(), 5) for name, loss in losses.items()}
        return self.densecap.weighted(losses), parts

    def _evaluate(self) -> tuple[float, dict[str, float]]:
        values = validate(
            self.densecap,
            self._val,
            self.prepared.val,
            self.vocabulary,
            decoding=self.recipe.validation.decoding,
            max_words=self.recipe.data.max_words,
        )
        return values.get("dense_mAP", values["detection_mAP"]), values

    def _best_parts(self) -> dict[str, dict[str, Tensor]]:
        parts = super()._best_parts()
        return parts | {"encoder": self.encoder.state_dict()} if self.recipe.start_from else parts


def create_densecap(recipe: DenseRecipe, encoder: Encoder, *, vocabulary_size: int) -> DenseCap:
    """Make what a recipe trains, with random weights, for an encoder and a vocabulary."""
    config = recipe.densecap
    captioner = create_captioner(
        recipe.architecture,
        recipe.captioner,
        feature_size=config.feature_size,
        vocabulary_size=vocabulary_size,
        locations=config.roi_head.output_size**2,
    )
    return DenseCap(
        config,
        channels=encoder.feature_map_channels,
        image_size=(encoder.preprocessing.height, encoder.preprocessing.width),
        captioner=captioner,
    )


def map_shapes(encoder: Encoder, strides: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Return ``(C_s, h, w)`` of an encoder's maps of one photo."""
    size = encoder.preprocessing
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        maps = encoder.feature_maps(torch.zeros(1, 3, size.height, size.width, device=device), strides)
    return [(maps[stride].shape[1], maps[stride].shape[2], maps[stride].shape[3]) for stride in strides]
