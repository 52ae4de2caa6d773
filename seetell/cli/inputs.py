"""The images that a user names: files, folders, patterns, or a list on standard input."""

from __future__ import annotations

import codecs
import glob
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from seetell.errors import UsageError
from seetell.photos.folders import photo_folders
from seetell.photos.formats import SkippedFiles, is_photo_name, looks_like_a_picture
from seetell.photos.remote import is_remote, remote_photos

STANDARD_INPUT = "-"

LONGEST_PATH = 4096
"""Bytes within which a path on standard input that zero bytes end has ended."""


@dataclass
class Besides:
    """What is found besides paths.

    Attributes:
        skipped_files: files of folders and patterns that are no photos.
        photo: the photo that standard input is, instead of a list.
    """

    skipped_files: SkippedFiles = field(default_factory=SkippedFiles)
    photo: bytes | None = None

    def source(self, path: str) -> str | bytes:
        """Return what to open for a path: itself, or the photo on standard input."""
        return self.photo if path == STANDARD_INPUT and self.photo is not None else path

    def file(self, path: str) -> str:
        """Return a path that must be a file's.

        Raises:
            UsageError: it stands for the photo on standard input.
        """
        if self.source(path) is not path:
            raise UsageError("standard input is a photo; expected a list of files and folders, or the photo's name")
        return path


def standard_input() -> Iterator[bytes]:
    """Yield the lines of standard input, which is looked at only then.

    Raises:
        UsageError: it is closed.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed, and - reads it; name files, or pipe something in")
    yield from sys.stdin.buffer


def expand(
    arguments: Iterable[str],
    listed: Iterable[bytes],
    besides: Besides | None = None,
    *,
    wanted: Callable[[str], bool] = is_photo_name,
) -> Iterator[str]:
    """Yield the paths of the images that arguments stand for, in their order.

    Args:
        arguments: a file stands for itself, whatever its name; a folder for the images in it and below it, recognised
            by their name endings and sorted, without hidden ones; ``-`` for the files and folders listed on standard
            input, one per line, or each before a zero byte, or for the photo there; anything else that contains ``*``,
            ``?`` or ``[`` for the images that match the pattern, ``**`` for any depth. An address such as
            ``s3://bucket/photos/`` stands for the same there, see :mod:`seetell.photos.remote`.
        listed: the lines that ``-`` reads, see :func:`standard_input`.
        besides: takes what else is found.
        wanted: whether a name is an image's, or what else is looked for.

    Yields:
        Paths; ``-`` for a photo on standard input. A path that does not exist is yielded too, so that its reader
        reports it.

    Raises:
        UsageError: an argument is empty, as one made of a variable that is not set.
    """
    besides = besides or Besides()
    for argument in arguments:
        if not argument:
            raise UsageError("expected the name of a file or folder, got an empty one")
        if argument == STANDARD_INPUT:
            yield from _listed(listed, besides, wanted)
        elif glob.has_magic(argument) and not is_remote(argument) and not os.path.lexists(argument):
            matching = [path for path in sorted(glob.glob(argument, recursive=True)) if not os.path.isdir(path)]
            for path in matching:
                if wanted(path):
                    yield path
                else:
                    besides.skipped_files.add(path)
            if not matching:
                yield argument
        else:
            yield from _photos(argument, besides, wanted)


def _listed(content: Iterable[bytes], besides: Besides, wanted: Callable[[str], bool]) -> Iterator[str]:
    """Yield the paths that standard input lists, as they come; ``-`` if it is a photo itself."""
    lines = iter(content)
    first = next(lines, b"")
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not looks_like_a_picture(first):
        names = b"".join([first, *lines]).decode("utf-16", errors="replace").splitlines()
        for name in names:
            if name:
                yield from _photos(name, besides, wanted)
        return
    if looks_like_a_picture(first) and not os.path.lexists(os.fsdecode(first.rstrip(b"\r\n").split(b"\0")[0])):
        besides.photo = b"".join([first, *lines])
        yield STANDARD_INPUT
        return
    begun, end = _ended_by([first.removeprefix(codecs.BOM_UTF8)], lines)
    rest = b""
    for line in itertools.chain(begun, lines):
        *ended, rest = (rest + line).split(end)
        for entry in ended:
            if listed := os.fsdecode(entry if end == b"\0" else entry.removesuffix(b"\r")):
                yield from _photos(listed, besides, wanted)
    if listed := os.fsdecode(rest):
        yield from _photos(listed, besides, wanted)


def _ended_by(begun: list[bytes], lines: Iterator[bytes]) -> tuple[list[bytes], bytes]:
    """Return what ends the paths of a list, a line break or a zero byte, and the lines that were read to see that.

    Where zero bytes end them, the first path may have line breaks itself; so its first line is one only if it exists.

    Args:
        begun: the first line.
        lines: those after it, of which no more are read than are returned.
    """
    first = os.fsdecode(begun[0].rstrip(b"\r\n").split(b"\0")[0])
    if not is_remote(first) and not os.path.lexists(first):
        while b"\0" not in begun[-1] and sum(map(len, begun)) < LONGEST_PATH and (line := next(lines, b"")):
            begun = [*begun, line]
    return begun, b"\0" if b"\0" in begun[-1] else b"\n"


def at_least_one(photos: Iterator[str], arguments: Sequence[str], besides: Besides) -> Iterator[str]:
    """Return the same photos, after checking that there are any.

    Args:
        photos: from :func:`expand`.
        arguments: what the user named, for the message.
        besides: that :func:`expand` was given.

    Raises:
        UsageError: there are none.
    """
    first = next(photos, None)
    if first is None:
        hint = (
            f"skipped: {besides.skipped_files}" if besides.skipped_files else "photos are known by endings such as .jpg"
        )
        named = ["standard input" if argument == STANDARD_INPUT else argument for argument in arguments]
        raise UsageError(f"no photos found in {', '.join(named)}; {hint}")
    return itertools.chain([first], photos)


def _photos(path: str, besides: Besides, wanted: Callable[[str], bool]) -> Iterator[str]:
    if is_remote(path):
        yield from remote_photos(path, besides.skipped_files)
        return
    if not os.path.isdir(path):
        yield path
        return
    unreadable: list[str] = []
    for folder, names in photo_folders(path, unreadable.append, besides.skipped_files.add, wanted=wanted):
        yield from (os.path.join(folder, name) for name in names)
    yield from unreadable
