"""A trained model, put together again from the folder of its run or bundle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.errors import BundleError, CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, create_encoder, weights_hash
from seetell.runtime.bundle import Bundle
from seetell.tasks.captioning.models import Captioner, create_captioner
from seetell.training.checkpoint import Arrays, read_checkpoint
from seetell.training.config import Recipe, load_recipe, recipe_from_dict
from seetell.training.pretrained import read_earlier_model
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedModel:
    """The best weights of a run, or those of a bundle.

    Attributes:
        recipe: of the run; of a bundle only what says how encoder and captioner are made.
        vocabulary: its words.
        encoder: in evaluation mode, on the CPU.
        captioner: in evaluation mode, on the CPU.
        facts: what was known when the weights were saved: ``step`` and validation ``scores``.
    """

    recipe: Recipe
    vocabulary: Vocabulary
    encoder: Encoder
    captioner: Captioner
    facts: dict[str, Any]


def load_model(path: Path) -> TrainedModel:
    """Load the best weights of a run, or those of a bundle.

    Args:
        path: the folder of a run or of a bundle.

    Raises:
        BundleError: the bundle is damaged, or does not say how it was trained.
        CheckpointError: it is neither, or the run's files do not belong together.
    """
    run = RunFolder(path)
    if run.best.exists():
        return load_trained(run)
    earlier = read_earlier_model(path)
    description = Bundle.load(path).description
    try:
        made = {part: description["config"][part] for part in ("architecture", "captioner", "encoder")}
        facts = {"step": description["trained_steps"], "scores": description["scores"]}
    except KeyError as error:
        raise BundleError(f"{path / 'model.json'}: lacks {error.args[0]!r}; export the model again") from error
    parts = {"captioner": earlier.captioner, "encoder": earlier.encoder}
    return _put_together(recipe_from_dict(made), earlier.vocabulary, parts, facts)


def load_trained(run: RunFolder) -> TrainedModel:
    """Load the best weights of a run.

    Raises:
        CheckpointError: the folder holds no validated weights, or they do not belong to its vocabulary or encoder.
    """
    if not run.best.exists():
        raise CheckpointError(
            f"{run.path}: no best.safetensors there; expected the folder of a run that has validated at least once"
        )
    recipe = load_recipe(run.recipe)
    vocabulary = Vocabulary.load(run.vocabulary)
    parts, facts = read_checkpoint(run.best)
    if facts["vocabulary_hash"] != vocabulary.hash:
        raise CheckpointError(f"{run.vocabulary} is not the vocabulary that {run.best} was trained with")
    model = _put_together(recipe, vocabulary, parts, facts)
    if "encoder" not in parts and weights_hash(model.encoder) != facts["encoder_hash"]:
        raise CheckpointError(
            f"{run.path} was trained on other {recipe.encoder.name} weights than {recipe.encoder.weights!r} gives now"
        )
    return model


def _put_together(
    recipe: Recipe, vocabulary: Vocabulary, parts: Mapping[str, Arrays], facts: dict[str, Any]
) -> TrainedModel:
    """Make encoder and captioner, and fill them; an encoder that was not trained has the weights the recipe names."""
    trained_encoder = "encoder" in parts
    encoder = create_encoder(
        recipe.encoder.name,
        weights="none" if trained_encoder else recipe.encoder.weights,
        image_size=recipe.encoder.image_size,
    )
    if trained_encoder:
        encoder.load_state_dict(parts["encoder"])
    captioner = create_captioner(
        recipe.architecture,
        recipe.captioner,
        feature_size=encoder.channels,
        vocabulary_size=len(vocabulary),
        locations=math.prod(encoder.grid_size),
    )
    captioner.load_state_dict(parts["captioner"])
    return TrainedModel(recipe, vocabulary, encoder.eval(), captioner.eval(), facts)
