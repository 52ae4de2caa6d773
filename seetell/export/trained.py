"""A finished training run, put together again from its folder."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from seetell.backbones import Encoder, create_encoder, weights_hash
from seetell.captioning import Captioner, create_captioner
from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.training.checkpoint import read_checkpoint
from seetell.training.recipe import Recipe, load_recipe
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedModel:
    """The best weights of a run.

    Attributes:
        recipe: of the run.
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
    trained_encoder = "encoder" in parts
    encoder = create_encoder(
        recipe.encoder.name,
        weights="none" if trained_encoder else recipe.encoder.weights,
        image_size=recipe.encoder.image_size,
    )
    if trained_encoder:
        encoder.load_state_dict(parts["encoder"])
    elif weights_hash(encoder) != facts["encoder_hash"]:
        raise CheckpointError(
            f"{run.path} was trained on other {recipe.encoder.name} weights than {recipe.encoder.weights!r} gives now"
        )
    captioner = create_captioner(
        recipe.architecture,
        recipe.captioner,
        feature_size=encoder.channels,
        vocabulary_size=len(vocabulary),
        locations=math.prod(encoder.grid_size),
    )
    captioner.load_state_dict(parts["captioner"])
    return TrainedModel(recipe, vocabulary, encoder.eval(), captioner.eval(), facts)
