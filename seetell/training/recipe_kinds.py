"""Recipes of every kind, told apart by their field ``kind``; that of a captioner says none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from seetell.errors import RecipeError, unknown
from seetell.tasks.dense_captioning.config import DenseRecipe, dense_recipe_from_dict
from seetell.tasks.grounding.config import GroundingRecipe
from seetell.tasks.retrieval.config import AlignmentRecipe, alignment_recipe_from_dict
from seetell.training.config import Recipe, build_config, recipe_content, recipe_from_dict

AnyKind = Recipe | AlignmentRecipe | GroundingRecipe | DenseRecipe


def _grounding_recipe_from_dict(content: Mapping[str, Any]) -> GroundingRecipe:
    built: GroundingRecipe = build_config(GroundingRecipe, content, "")
    return built


_KINDS: dict[str, Callable[[Mapping[str, Any]], AlignmentRecipe | GroundingRecipe | DenseRecipe]] = {
    "align": alignment_recipe_from_dict,
    "ground": _grounding_recipe_from_dict,
    "dense": dense_recipe_from_dict,
}


def load_any_recipe(path: str | Path, settings: Sequence[str] = ()) -> AnyKind:
    """Read the recipe of a captioner, an aligner (``align``), a grounder (``ground``) or a dense captioner (``dense``).

    Args:
        path: YAML, the fields of :class:`~seetell.training.config.Recipe`,
            :class:`~seetell.tasks.retrieval.config.AlignmentRecipe`,
            :class:`~seetell.tasks.grounding.config.GroundingRecipe` or
            :class:`~seetell.tasks.dense_captioning.config.DenseRecipe`.
        settings: ``key=value`` pairs that replace fields, such as ``optimiser.learning_rate=1e-3``.

    Raises:
        RecipeError: the file is missing or not YAML, a field is unknown or of the wrong type, or fields contradict.
    """
    content = recipe_content(path, settings)
    if "kind" not in content:
        return recipe_from_dict(content)
    kind = str(content["kind"])
    if kind not in _KINDS:
        raise RecipeError(f"kind: {unknown('value', kind, _KINDS)}")
    return _KINDS[kind](content)
