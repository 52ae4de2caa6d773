"""A trained aligner, put together again from the folder of its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.retrieval.config import AlignmentRecipe
from seetell.tasks.retrieval.models.aligner import Aligner
from seetell.training.best_weights import read_best_weights
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
    best = read_best_weights(run, AlignmentRecipe)
    aligner = Aligner(
        best.recipe.aligner,
        feature_size=best.encoder.channels,
        grid_size=best.encoder.grid_size,
        vocabulary_size=len(best.vocabulary),
    )
    aligner.load_state_dict(best.parts["aligner"])
    return TrainedAligner(best.recipe, best.vocabulary, best.encoder, aligner.eval(), best.facts)
