"""The images that a user names: files, folders, patterns, or a list on standard input."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from seetell.errors import UsageError
from seetell.photos.folders import is_photo_name, photo_folders

STANDARD_INPUT = "-"


def expand(arguments: Iterable[str], standard_input: BinaryIO) -> Iterator[str]:
    """Yield the paths of the images that arguments stand for, in their order.

    Args:
        arguments: a file stands for itself, whatever its name; a folder for the images in it and below it, recognised
            by their name endings and sorted, without hidden ones; ``-`` for the files and folders listed on standard
            input, one per line; anything else that contains ``*``, ``?`` or ``[`` for the images that match the
            pattern, ``**`` for any depth.
        standard_input: where ``-`` reads.

    Yields:
        Paths. A path that does not exist is yielded too, so that its reader reports it.
    """
    for argument in arguments:
        if argument == STANDARD_INPUT:
            for line in standard_input:
                listed = os.fsdecode(line.rstrip(b"\r\n"))
                if listed:
                    yield from _photos(listed)
        elif glob.has_magic(argument) and not os.path.lexists(argument):
            matching = [path for path in sorted(glob.glob(argument, recursive=True)) if is_photo_name(path)]
            yield from (path for path in matching if not os.path.isdir(path))
            if not matching:
                yield argument
        else:
            yield from _photos(argument)


def at_least_one(photos: Iterator[str], arguments: Sequence[str]) -> Iterator[str]:
    """Return the same photos, after checking that there are any.

    Args:
        photos: from :func:`expand`.
        arguments: what the user named, for the message.

    Raises:
        UsageError: there are none.
    """
    first = next(photos, None)
    if first is None:
        raise UsageError(
            f"no photos found in {', '.join(arguments)}; in a folder, photos are known by endings such as .jpg"
        )
    return itertools.chain([first], photos)


def _photos(path: str) -> Iterator[str]:
    if not os.path.isdir(path):
        yield path
        return
    unreadable: list[str] = []
    for folder, names in photo_folders(path, unreadable.append):
        yield from (os.path.join(folder, name) for name in names)
    yield from unreadable
