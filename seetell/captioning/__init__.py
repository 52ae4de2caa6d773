"""Captioners, made by name from their own configuration."""

from __future__ import annotations

from typing import Any

from seetell.captioning.captioner import IGNORED, Captioner
from seetell.captioning.neuraltalk2 import NeuralTalk2, NeuralTalk2Config
from seetell.errors import RecipeError, unknown

__all__ = ["CONFIGS", "IGNORED", "USES_GRID", "Captioner", "create_captioner"]

CONFIGS: dict[str, type[Any]] = {"neuraltalk2": NeuralTalk2Config}
USES_GRID: dict[str, bool] = {"neuraltalk2": NeuralTalk2.uses_grid}


def create_captioner(architecture: str, config: Any, *, feature_size: int, vocabulary_size: int) -> Captioner:
    """Make a captioner.

    Args:
        architecture: a key of ``CONFIGS``.
        config: an instance of that architecture's configuration.
        feature_size: ``D``, length of the encoder's vectors.
        vocabulary_size: ``V``, specials included.

    Raises:
        RecipeError: the architecture is unknown.
    """
    if architecture not in CONFIGS:
        raise RecipeError(f"architecture: {unknown('architecture', architecture, CONFIGS)}")
    return NeuralTalk2(config, feature_size=feature_size, vocabulary_size=vocabulary_size)
