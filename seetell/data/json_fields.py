"""Read fields of parsed JSON of unknown structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def text_of(item: Any, *names: str) -> str | None:
    """Return the first of the named fields that is a non-blank string, or ``None``."""
    if isinstance(item, dict):
        for name in names:
            value = item.get(name)
            if isinstance(value, str) and value.strip():
                return value
    return None


def id_of(item: Any, *names: str) -> int | str | None:
    """Return the first of the named fields that can be an id, a whole number or a string, or ``None``."""
    if isinstance(item, dict):
        for name in names:
            value = item.get(name)
            if (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.strip()):
                return value
    return None


def dicts_in(document: Any, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at ``path`` below ``document``; an empty list if there is none."""
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return [item for item in document if isinstance(item, dict)] if isinstance(document, list) else []


def described(document: Any) -> str:
    """Describe a JSON document in a few words, for messages."""
    if isinstance(document, dict):
        return f"an object with {_listed(list(document))}" if document else "an empty object"
    if isinstance(document, list):
        if document and isinstance(document[0], dict):
            return f"a list of objects with {_listed(list(document[0]))}"
        return f"a list of {len(document)} items that are not objects" if document else "an empty list"
    return f"a {type(document).__name__}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:6])
    return shown + (", …" if len(names) > 6 else "")
