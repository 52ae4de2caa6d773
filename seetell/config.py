"""Checks that configurations and recipes share: fields are named, dotted where they lie in a part."""

from __future__ import annotations

from operator import attrgetter

from seetell.errors import RecipeError


def check_sizes(config: object, *fields: str, of: str = "") -> None:
    """Refuse sizes below 1.

    Args:
        config: holds the fields.
        fields: their names, such as ``width`` or ``data.max_words``.
        of: what the configuration is called in a recipe, such as ``captioner``.

    Raises:
        RecipeError: naming the field.
    """
    for field, value in _values(config, fields, of):
        if value < 1:
            raise RecipeError(f"{field}: expected at least 1, got {value}")


def check_limits(config: object, *fields: str, of: str = "") -> None:
    """Refuse numbers below 1 other than -1, which stands for no limit; see :func:`check_sizes`."""
    for field, value in _values(config, fields, of):
        if value != -1 and value < 1:
            raise RecipeError(f"{field}: expected at least 1, or -1 for no limit, got {value}")


def check_probabilities(config: object, *fields: str, of: str = "") -> None:
    """Refuse what is not a probability below 1; see :func:`check_sizes`."""
    for field, value in _values(config, fields, of):
        if not 0 <= value < 1:
            raise RecipeError(f"{field}: expected a probability below 1, got {value}")


def check_shares(config: object, *fields: str, of: str = "") -> None:
    """Refuse what is not a share below 1; see :func:`check_sizes`."""
    for field, value in _values(config, fields, of):
        if not 0 <= value < 1:
            raise RecipeError(f"{field}: expected a share below 1, got {value}")


def _values(config: object, fields: tuple[str, ...], of: str) -> list[tuple[str, float]]:
    return [(f"{of}.{field}" if of else field, attrgetter(field)(config)) for field in fields]
