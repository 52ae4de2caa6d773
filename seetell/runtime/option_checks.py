"""Checks of numbers and switches that options of several predictors are."""

from __future__ import annotations

from operator import index

from seetell.errors import UsageError


def check_count(name: str, value: int) -> None:
    """Check that an option counts something.

    Args:
        name: of the option.
        value: that it has.

    Raises:
        UsageError: it is no whole number, or below 1.
    """
    try:
        index(value)
    except TypeError as error:
        raise UsageError(f"{name} must be a whole number, got {value!r}") from error
    if value < 1:
        raise UsageError(f"{name} must be at least 1, got {value}")


def check_share(name: str, value: float) -> None:
    """Check that an option is a share, such as a probability.

    Args:
        name: of the option.
        value: that it has.

    Raises:
        UsageError: it is not from 0 to 1.
    """
    if not 0 <= value <= 1:
        raise UsageError(f"{name} must be from 0 to 1, got {value}")


def check_switches(**options: bool) -> None:
    """Check that options are on or off: a text such as ``"no"`` would count as on.

    Args:
        options: values by name.

    Raises:
        UsageError: one is neither ``True`` nor ``False``.
    """
    for name, value in options.items():
        if not isinstance(value, bool):
            raise UsageError(f"{name} must be true or false, got {value!r}")
