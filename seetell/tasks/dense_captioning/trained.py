"""A trained dense captioner, put together again from the folder of its run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder
from seetell.tasks.dense_captioning.config import DenseRecipe
from seetell.tasks.dense_captioning.models.densecap import DenseCap
from seetell.tasks.dense_captioning.train import create_densecap
from seetell.training.best_weights import read_best_weights
from seetell.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedDenseCap:
    """The best weights of a dense captioner's run.

    Attributes:
        recipe: of the run.
        vocabulary: its words.
        encoder: in evaluation mode, on the CPU.
        densecap: in evaluation mode, on the CPU.
        facts: what was known when the weights were saved: ``step`` and validation ``scores``.
    """

    recipe: DenseRecipe
    vocabulary: Vocabulary
    encoder: Encoder
    densecap: DenseCap
    facts: dict[str, Any]


def load_trained_densecap(run: RunFolder) -> TrainedDenseCap:
    """Load the best weights of a dense captioner's run.

    Raises:
        CheckpointError: the folder holds no validated weights of a dense captioner, or they do not belong to its
            vocabulary or encoder.
    """
    best = read_best_weights(run, DenseRecipe)
    densecap = create_densecap(best.recipe, best.encoder, vocabulary_size=len(best.vocabulary))
    densecap.load_state_dict(best.parts["densecap"])
    return TrainedDenseCap(best.recipe, best.vocabulary, best.encoder, densecap.eval(), best.facts)
