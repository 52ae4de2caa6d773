"""Counts of what is in an image, in words: "3 people, 1 dog"."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from seetell.language.object_names import plurals, singular

_PAIRS = frozenset(("scissors", "skis"))
"""Names in the plural that mean one thing."""

_ARTICLE = re.compile(r"^(?:an?|the) (?=\S)")


def counted(names: Iterable[str]) -> str:
    """Return how many there are of each name, most first, those of equal number in the order in which they come.

    Args:
        names: of classes, or phrases such as ``a dog`` and ``the trees``, one for each object.

    Returns:
        Such as ``3 people, 1 dog``, with names without their articles; empty without names.
    """
    counts = Counter(_ARTICLE.sub("", name) for name in names)
    return ", ".join(_counted(name, count) for name, count in counts.most_common())


def _counted(name: str, count: int) -> str:
    if name in _PAIRS:
        return f"{count} {'pair' if count == 1 else 'pairs'} of {name}"
    if not name.strip():
        return f"{count} {name}"
    if _is_plural(name):
        return name if count == 1 else f"{count} {name}"
    return f"{count} {name if count == 1 else plurals(name)[0]}"


def _is_plural(name: str) -> bool:
    noun = name.partition(" of ")[0].split()[-1]
    return singular(noun) != noun or (noun.endswith("s") and not noun.endswith(("ss", "us", "is")))
