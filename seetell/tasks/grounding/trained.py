"""A trained grounder, put together again from the folder of its run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from seetell.errors import CheckpointError
from seetell.nn.backbones import weights_hash
from seetell.tasks.grounding.config import GroundingRecipe
from seetell.tasks.grounding.models.grounder import Grounder
from seetell.tasks.retrieval.trained import TrainedAligner
from seetell.training.checkpoint import read_checkpoint
from seetell.training.recipe_kinds import load_any_recipe
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedGrounder:
    """The best weights of a grounder's run.

    Attributes:
        recipe: of the run.
        grounder: in evaluation mode, on the CPU.
        facts: what was known when the weights were saved: ``step`` and validation ``scores``.
    """

    recipe: GroundingRecipe
    grounder: Grounder
    facts: dict[str, Any]


def load_trained_grounder(run: RunFolder, model: TrainedAligner) -> TrainedGrounder:
    """Load the best weights of a grounder's run.

    Args:
        run: the run's folder.
        model: the aligner that it was trained for.

    Raises:
        CheckpointError: the folder holds no validated weights of a grounder, or it was trained for another aligner.
    """
    if not run.best.exists():
        raise CheckpointError(
            f"{run.path}: no best.safetensors there; expected the folder of a run that has validated at least once"
        )
    recipe = load_any_recipe(run.recipe)
    if not isinstance(recipe, GroundingRecipe):
        raise CheckpointError(f"{run.path}: is not the run of a grounder, whose recipe says kind: ground")
    parts, facts = read_checkpoint(run.best)
    if facts["aligner_hash"] != weights_hash(model.aligner):
        raise CheckpointError(f"{run.path} was trained for another aligner, or for other weights of it; train it again")
    grounder = Grounder(
        recipe.grounder,
        components=model.recipe.aligner.components,
        cells=math.prod(model.encoder.grid_size),
        words=2 * model.recipe.aligner.width,
    )
    grounder.load_state_dict(parts["grounder"])
    return TrainedGrounder(recipe, grounder.eval(), facts)
