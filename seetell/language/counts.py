"""Counts of what is in an image, in words: "3 people, 1 dog"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from seetell.language.object_names import plurals

_PAIRS = frozenset(("scissors", "skis"))
"""Names in the plural that mean one thing."""


def counted(names: Iterable[str]) -> str:
    """Return how many there are of each name, most first, those of equal number in the order in which they come.

    Args:
        names: of classes, one for each object.

    Returns:
        Such as ``3 people, 1 dog``; empty without names.
    """
    return ", ".join(_counted(name, count) for name, count in Counter(names).most_common())


def _counted(name: str, count: int) -> str:
    if name in _PAIRS:
        return f"{count} {'pair' if count == 1 else 'pairs'} of {name}"
    return f"{count} {name if count == 1 or not name.strip() else plurals(name)[0]}"
