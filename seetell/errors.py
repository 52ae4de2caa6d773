"""The errors seetell raises on purpose: each message gives what was expected, what came, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import Any

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a full disk, of a quota that is used up, and of a file that the system allows no larger."""


class SeetellError(Exception):
    """An error that the user can fix; the command line prints it without a traceback."""


class PhotoError(SeetellError):
    """A photo that cannot be used: unreadable, broken, or beyond the size limits."""


class PhotoFormatError(PhotoError):
    """A file that is not a photo, or is in a format that is not supported."""


class PhotoMemoryError(PhotoError):
    """A photo that may be sound, but for which there is not enough memory now."""


class NoAnswerError(PhotoError):
    """A photo for which the server that runs the model gave no answer."""


class VideoError(SeetellError):
    """A video that cannot be used: unreadable, broken from the start, or beyond the size limits."""


class DataError(SeetellError):
    """A data set, results or references file that does not follow its format."""


class RecipeError(SeetellError):
    """A training recipe with an unknown field, a wrong type, or values that contradict each other."""


class CheckpointError(SeetellError):
    """A training checkpoint that is missing, damaged, or belongs to another recipe."""


class BundleError(SeetellError):
    """A model bundle that is missing, incomplete, or does not match its own description."""


class ModelServerError(SeetellError):
    """A server that runs a model and cannot be reached, or answers none of its requests."""


class PhotoIndexError(SeetellError):
    """A photo index that is missing, damaged, in use, out of space, or made with another model."""


class UsageError(SeetellError):
    """A command or function called in a way it does not allow; exit status 2."""


class NotPredictedError(UsageError):
    """What was asked for is no part of the prediction for this photo, but may be of that for another."""


class OtherTaskError(UsageError):
    """A model that a task cannot use, although others may.

    Attributes:
        config: its ``config.json``.
    """

    def __init__(self, message: str, config: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.config = config


MOST_LISTED, NEAREST = 100, 10
"""Names that a message lists at most, and how many of more."""


def unknown(
    kind: str,
    name: object,
    known: Iterable[object],
    *,
    renamed: Mapping[str, str] | None = None,
    most: int = MOST_LISTED,
) -> str:
    """Format the message for an unknown name, with the nearest known one.

    Args:
        kind: the kind of thing named, such as ``"encoder"``.
        name: the unknown name.
        known: every accepted name.
        renamed: new names by the old ones that users may still have in their files.
        most: names that are listed at most; of more, the nearest.

    Returns:
        A message with the unknown name, its new or the nearest known name, and the list; of a long one, the nearest.
    """
    names = [str(item) for item in known]
    if renamed and str(name) in renamed:
        return f"unknown {kind} {str(name)!r}: it is now called {renamed[str(name)]!r}."
    from difflib import get_close_matches

    near = get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = sorted(names)
    if len(names) > most:
        listed = get_close_matches(str(name), names, n=NEAREST, cutoff=0.0)
        listed.append(f"and {len(names) - len(listed):,} more")
    return f"unknown {kind} {str(name)!r}.{hint} Known: {', '.join(listed) or 'none'}."
