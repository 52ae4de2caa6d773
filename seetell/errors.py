"""The errors seetell raises on purpose: each says what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SeetellError(Exception):
    """A mistake its reader can mend; the command line prints it without a traceback."""


class PhotoError(SeetellError):
    """A photo that cannot be used: unreadable, broken, or beyond the size limits."""


class PhotoFormatError(PhotoError):
    """A file that is no photo, or one in a format that is not read."""


class DataError(SeetellError):
    """A data set, results or references file that breaks its format."""


class RecipeError(SeetellError):
    """A training recipe with an unknown field, a wrong type, or values that contradict each other."""


class CheckpointError(SeetellError):
    """A training checkpoint that is missing, damaged, or belongs to another recipe."""


class BundleError(SeetellError):
    """A model bundle that is missing, incomplete, or does not match its own description."""


class PhotoIndexError(SeetellError):
    """A photo index that is missing, damaged, in use, out of space, or made with another model."""


class UsageError(SeetellError):
    """A command or function called in a way it does not allow; exit status 2."""


def unknown(kind: str, name: object, known: Iterable[object]) -> str:
    """Word the message for a name that is not on a list, with the nearest known name.

    Args:
        kind: what the name stands for, such as ``"encoder"``.
        name: the name that came.
        known: every name that would have been accepted.

    Returns:
        One sentence that names what came, the nearest known name and the whole list.
    """
    names = [str(item) for item in known]
    near = get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {str(name)!r}.{hint} Known: {', '.join(sorted(names))}."
