"""The best weights of a run on a frozen encoder, and what belongs to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, create_encoder, weights_hash
from seetell.tasks.dense_captioning.config import DenseRecipe
from seetell.tasks.retrieval.config import AlignmentRecipe
from seetell.training.checkpoint import Arrays, read_checkpoint
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_folder import RunFolder

RunRecipe = TypeVar("RunRecipe", AlignmentRecipe, DenseRecipe)

_WHOSE = {AlignmentRecipe: "an aligner", DenseRecipe: "a dense captioner"}


@dataclass(frozen=True)
class BestWeights(Generic[RunRecipe]):
    """What a run's folder holds of its best model.

    Attributes:
        recipe: of the run.
        vocabulary: its words.
        encoder: in evaluation mode, on the CPU.
        parts: arrays by part and name.
        facts: what was known when the weights were saved: ``step`` and validation ``scores``.
    """

    recipe: RunRecipe
    vocabulary: Vocabulary
    encoder: Encoder
    parts: dict[str, Arrays]
    facts: dict[str, Any]


def read_best_weights(run: RunFolder, kind: type[RunRecipe]) -> BestWeights[RunRecipe]:
    """Read the best weights of a run.

    Args:
        run: its folder.
        kind: of recipe that is expected.

    Raises:
        CheckpointError: the folder holds no validated weights of that kind, or they do not belong to its vocabulary or
            encoder.
    """
    if not run.best.exists():
        raise CheckpointError(
            f"{run.path}: no best.safetensors there; expected the folder of a run that has validated at least once"
        )
    recipe = load_any_recipe(run.recipe)
    if not isinstance(recipe, kind):
        raise CheckpointError(f"{run.path}: is the run of another kind of model; expected that of {_WHOSE[kind]}")
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
    return BestWeights(recipe, vocabulary, encoder.eval(), parts, facts)
