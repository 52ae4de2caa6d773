"""A trained model, reloaded from the folder of its run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from seetell.errors import CheckpointError
from seetell.language.vocabulary import Vocabulary
from seetell.nn.backbones import Encoder, create_encoder, weights_hash
from seetell.training.checkpoint import Arrays, read_checkpoint
from seetell.training.config import RunConfig, Sections
from seetell.training.run_folder import RunFolder

Build = Callable[[RunConfig, Encoder, Vocabulary | None], nn.Module]
"""Creates a task's model with random weights; see a task's ``models.build``."""


@dataclass(frozen=True)
class Trained:
    """The best weights of a run.

    Attributes:
        config: of the run.
        vocabulary: the model's words; ``None`` where it has none.
        encoder: in evaluation mode, on the CPU.
        model: the task's model, in evaluation mode, on the CPU.
        metadata: of the checkpoint: ``step``, validation ``scores`` and hashes.
    """

    config: RunConfig
    vocabulary: Vocabulary | None
    encoder: Encoder
    model: Any
    metadata: dict[str, Any]


def load_trained(folder: Path, build: Build, sections: Sections) -> Trained:
    """Load the best weights of a run.

    Args:
        folder: of the run.
        build: creates the task's model.
        sections: finds the class of the task's section; see :func:`~seetell.training.config.only`.

    Raises:
        CheckpointError: the folder holds no validated weights of such a task, or they do not belong to its vocabulary
            or encoder.
    """
    run = RunFolder(folder)
    if not run.best.exists():
        raise CheckpointError(
            f"{folder}: has no best.safetensors; expected the folder of a run that has validated at least once"
        )
    config = run.load_config(sections)
    vocabulary = Vocabulary.load(run.vocabulary) if run.vocabulary.exists() else None
    parts, metadata = read_checkpoint(run.best)
    if metadata.get("vocabulary_hash") != (vocabulary and vocabulary.hash):
        raise CheckpointError(f"{run.vocabulary} is not the vocabulary that {run.best} was trained with")
    encoder, model = assemble(config, vocabulary, parts, part=metadata["part"], build=build)
    if "encoder" not in parts and weights_hash(encoder) != metadata["encoder_hash"]:
        chosen = config.encoder
        raise CheckpointError(
            f"{folder} was trained on other {chosen.name} weights than {chosen.weights!r} stands for now"
        )
    return Trained(config, vocabulary, encoder, model, metadata)


def assemble(
    config: RunConfig, vocabulary: Vocabulary | None, parts: Mapping[str, Arrays], *, part: str, build: Build
) -> tuple[Encoder, nn.Module]:
    """Create an encoder and a model and load their weights, both in evaluation mode.

    Args:
        config: of the run.
        vocabulary: the model's words.
        parts: arrays by part and name; an encoder that is absent has the weights that the configuration names.
        part: the model's.
        build: creates the model.
    """
    chosen = config.encoder
    weights = "none" if "encoder" in parts else chosen.weights
    encoder = create_encoder(chosen.name, weights=weights, image_size=chosen.image_size)
    if "encoder" in parts:
        encoder.load_state_dict(parts["encoder"])
    model = build(config, encoder, vocabulary)
    model.load_state_dict(parts[part])
    return encoder.eval(), model.eval()
