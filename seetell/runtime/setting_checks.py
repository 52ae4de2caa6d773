"""Checks of the settings in a bundle's ``model.json``, for :meth:`seetell.runtime.bundle.Bundle.setting`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def whole_number(*, least: int = 1, most: int | None = None) -> Callable[[Any], int]:
    """Return a function that returns a setting if it is a whole number within bounds, and else raises a ValueError."""
    wanted = f"a whole number above {least - 1}" if most is None else f"a whole number from {least} to {most}"

    def checked(value: Any) -> int:
        if type(value) is not int or value < least or (most is not None and value > most):
            raise ValueError(f"expected {wanted}, got {value!r}")
        return value

    return checked
