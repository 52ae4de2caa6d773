"""Checks of numbers that options of several predictors are."""

from __future__ import annotations

from seetell.errors import UsageError


def check_count(name: str, value: int) -> None:
    """Check that an option counts something.

    Args:
        name: of the option.
        value: that it has.

    Raises:
        UsageError: it is below 1.
    """
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
