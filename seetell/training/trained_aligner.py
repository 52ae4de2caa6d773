"""A trained aligner, put together again from the folder of its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seetell.alignment.aligner import Aligner
from seetell.backbones import Encoder, create_encoder, weights_hash
from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.training.alignment_recipe import AlignmentRecipe
from seetell.training.checkpoint import read_checkpoint
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedAligner:
    """The best weights of an aligner's run.

    Attributes:
        recipe: of the run.
        vocabulary: its words.
        encoder: in evaluation mode, on the CPU.
        aligner: in evaluation mode, on the CPU.
        facts: what was known when the weights were saved: ``step`` and validation ``scores``.
    """

    recipe: AlignmentRecipe
    vocabulary: Vocabulary
    encoder: Encoder
    aligner: Aligner
    facts: dict[str, Any]


def load_trained_aligner(run: RunFolder) -> TrainedAligner:
    """Load the best weights of an aligner's run.

    Raises:
        CheckpointError: the folder holds no validated weights of an aligner, or they do not belong to its vocabulary or
            encoder.
    """
    if not run.best.exists():
        raise CheckpointError(
            f"{run.path}: no best.safetensors there; expected the folder of a run that has validated at least once"
        )
    recipe = load_any_recipe(run.recipe)
    if not isinstance(recipe, AlignmentRecipe):
        raise CheckpointError(f"{run.path}: is the run of a captioner; expected that of an aligner")
    vocabulary = Vocabulary.load(run.vocabulary)
    parts, facts = read_checkpoint(run.best)
    if facts["vocabulary_hash"] != vocabulary.hash:
        raise CheckpointError(f"{run.vocabulary} is not the vocabulary that {run.best} was trained with")
    chosen = recipe.encoder
    encoder = create_encoder(
        chosen.name, weights="none" if "encoder" in parts else chosen.weights, image_size=chosen.image_size
    )
    if "encoder" in parts:
        encoder.load_state_dict(parts["encoder"])
    if weights_hash(encoder) != facts["encoder_hash"]:
        raise CheckpointError(
            f"{run.path} was trained on other {chosen.name} weights than {chosen.weights!r} gives now"
        )
    aligner = Aligner(
        recipe.aligner,
        feature_size=encoder.channels,
        grid_size=encoder.grid_size,
        vocabulary_size=len(vocabulary),
    )
    aligner.load_state_dict(parts["aligner"])
    return TrainedAligner(recipe, vocabulary, encoder.eval(), aligner.eval(), facts)
