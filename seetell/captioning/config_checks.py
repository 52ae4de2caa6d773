"""Checks that the captioners' configurations share."""

from __future__ import annotations

from seetell.errors import RecipeError


def check_sizes(config: object, *fields: str) -> None:
    """Refuse sizes below 1.

    Raises:
        RecipeError: naming the field.
    """
    for field in fields:
        if getattr(config, field) < 1:
            raise RecipeError(f"captioner.{field}: expected at least 1, got {getattr(config, field)}")


def check_probabilities(config: object, *fields: str) -> None:
    """Refuse what is not a probability below 1.

    Raises:
        RecipeError: naming the field.
    """
    for field in fields:
        if not 0 <= getattr(config, field) < 1:
            raise RecipeError(f"captioner.{field}: expected a probability below 1, got {getattr(config, field)}")
