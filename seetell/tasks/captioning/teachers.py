"""From the folders of earlier models to teachers: loaded, compared with the learner, their features cached."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from seetell.data.records import PhotoRecord
from seetell.errors import RecipeError
from seetell.language.vocabulary import Vocabulary
from seetell.tasks.captioning.distillation import Teacher, Teachers
from seetell.tasks.captioning.trained import TrainedModel, load_model
from seetell.training.config import Recipe
from seetell.training.encoding import Progress, features_cache
from seetell.training.features import CachedFeatures, PixelFeatures, split_features


def load_teachers(
    recipe: Recipe, photos: Sequence[PhotoRecord], vocabulary: Vocabulary, *, device: torch.device, progress: Progress
) -> Teachers:
    """Load the teachers that a recipe names.

    Args:
        recipe: of the learner's run.
        photos: that it is trained on.
        vocabulary: the learner's.
        device: where teachers compute.
        progress: told how many of how many photos are encoded, encoder by encoder.

    Raises:
        CheckpointError: a folder is neither a run nor a bundle, or is damaged.
        RecipeError: a teacher knows other words than the learner.
    """
    models = []
    for name in recipe.distillation.teachers:
        model = load_model(Path(name))
        if model.vocabulary.words != vocabulary.words:
            raise RecipeError(
                f"distillation.teachers: {name} knows other words than this run ({len(model.vocabulary):,} there, "
                f"{len(vocabulary):,} here); train it on the same captions with the same data.min_count"
            )
        models.append(model)
    return Teachers(recipe.distillation, [_teacher(model, recipe, photos, device, progress) for model in models])


def _teacher(
    model: TrainedModel, recipe: Recipe, photos: Sequence[PhotoRecord], device: torch.device, progress: Progress
) -> Teacher:
    captioner = model.captioner.requires_grad_(False).to(device)
    encoder = model.encoder.requires_grad_(False).to(device).to(memory_format=torch.channels_last)
    source: CachedFeatures | PixelFeatures
    if recipe.encoder.cache:
        paths = [photo.path for photo in photos]
        cache, _ = features_cache(
            recipe.encoder.cache,
            encoder,
            paths,
            with_grid=captioner.uses_grid,
            flips=recipe.data.flip,
            progress=progress,
        )
        source = CachedFeatures(cache, photos, split_features)
    else:
        source = PixelFeatures(encoder, photos, crop=False)
    return Teacher(captioner, encoder, source)
