"""Captioners, made by name from their own configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seetell.captioning.captioner import IGNORED, Beginning, Captioner, Said
from seetell.captioning.neuraltalk2 import NeuralTalk2, NeuralTalk2Config
from seetell.captioning.surprise import Lesson
from seetell.captioning.transformer import Transformer, TransformerConfig
from seetell.errors import RecipeError, unknown

__all__ = ["CONFIGS", "IGNORED", "USES_GRID", "Beginning", "Captioner", "Lesson", "Said", "create_captioner"]

CONFIGS: dict[str, type[Any]] = {"neuraltalk2": NeuralTalk2Config, "transformer": TransformerConfig}
USES_GRID: dict[str, bool] = {"neuraltalk2": NeuralTalk2.uses_grid, "transformer": Transformer.uses_grid}
_CAPTIONERS: dict[str, Callable[..., Captioner]] = {"neuraltalk2": NeuralTalk2, "transformer": Transformer}


def create_captioner(
    architecture: str, config: Any, *, feature_size: int, vocabulary_size: int, locations: int
) -> Captioner:
    """Make a captioner.

    Args:
        architecture: a key of ``CONFIGS``.
        config: an instance of that architecture's configuration.
        feature_size: ``D``, length of the encoder's vectors.
        vocabulary_size: ``V``, specials included.
        locations: ``L``, of the encoder's grid.

    Raises:
        RecipeError: the architecture is unknown.
    """
    if architecture not in CONFIGS:
        raise RecipeError(f"architecture: {unknown('architecture', architecture, CONFIGS)}")
    sizes = {"feature_size": feature_size, "vocabulary_size": vocabulary_size}
    if USES_GRID[architecture]:
        sizes["locations"] = locations
    return _CAPTIONERS[architecture](config, **sizes)
