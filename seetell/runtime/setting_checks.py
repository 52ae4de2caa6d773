"""Checks of the settings in a bundle's ``model.json``, for :meth:`seetell.runtime.bundle.Bundle.setting`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from seetell.errors import unknown


def whole_number(*, least: int = 1, most: int | None = None) -> Callable[[Any], int]:
    """Return a function that returns a setting if it is a whole number within bounds, and else raises a ValueError."""
    wanted = f"a whole number above {least - 1}" if most is None else f"a whole number from {least} to {most}"

    def checked(value: Any) -> int:
        if type(value) is not int or value < least or (most is not None and value > most):
            raise ValueError(f"expected {wanted}, got {value!r}")
        return value

    return checked


def refuse_unknown(kind: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Check the names in a setting.

    Args:
        kind: what they name.
        given: the names.
        known: those that it may have.

    Raises:
        ValueError: one is unknown.
    """
    for name in given:
        if name not in known:
            raise ValueError(unknown(kind, name, known))


def numbers(
    content: Mapping[str, Any],
    names: Iterable[str],
    *,
    least: float = -math.inf,
    most: float = math.inf,
    expected: str = "numbers",
) -> dict[str, Any]:
    """Return the fields of a setting that are finite numbers, as they are.

    Args:
        content: of the setting.
        names: of its fields.
        least: the smallest that a number may be.
        most: the largest.
        expected: says so in the error.

    Raises:
        KeyError: a field is missing.
        TypeError: one is no such number.
    """
    values = {name: content[name] for name in names}
    for name, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not (is_number and least <= value <= most):
            raise TypeError(f"expected {expected}, got {value!r:.80} as {name}")
    return values
