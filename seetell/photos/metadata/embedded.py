"""Metadata in the photos' files themselves: JPEG, PNG and WebP, with the picture's data untouched.

A file is replaced as a whole once the new one is on the disk. It keeps its permissions, owner, extended attributes and
the time of its last change, by which archives are sorted; where it has several hard links, this name gets a file of its
own, since the others may be a backup's.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from seetell.atomic_write import atomic_file
from seetell.errors import PhotoError
from seetell.photos.formats import other_format
from seetell.photos.metadata import jpeg, png, webp
from seetell.photos.metadata.description import (
    ALT_TEXT,
    DESCRIPTION,
    KEYWORDS,
    Description,
    described,
    is_described,
)
from seetell.photos.metadata.parts import Metadata
from seetell.photos.metadata.xmp import EMPTY, Outline
from seetell.regular_file import open_regular

LARGEST = 2**30
"""Largest size in bytes of a file that is changed."""


class _Format(NamedTuple):
    start: re.Pattern[bytes]
    read: Callable[[BinaryIO], Metadata]
    with_xmp: Callable[[bytes, bytes], bytes]


_FORMATS = (
    _Format(re.compile(re.escape(jpeg.SIGNATURE)), jpeg.read, jpeg.with_xmp),
    _Format(re.compile(re.escape(png.SIGNATURE)), png.read, png.with_xmp),
    _Format(re.compile(rb"RIFF.{4}WEBP", re.DOTALL), webp.read, webp.with_xmp),
)


class PhotoFiles:
    """Writes what is told of photos into their files.

    Args:
        overwrite: whether alt text and description are replaced where they are.
    """

    def __init__(self, *, overwrite: bool = False) -> None:
        self._overwrite = overwrite

    @staticmethod
    def takes(photo: str | os.PathLike[str]) -> bool:
        """Return whether a photo's file is of a format that is changed here, or cannot be read."""
        try:
            with open_regular(photo) as file:
                _format(file)
        except OSError:
            return True
        except ValueError:
            return False
        return True

    def is_complete(self, photo: str | os.PathLike[str], *, keywords: bool = False) -> bool:
        """Return whether a photo's file lacks nothing.

        Args:
            photo: its path.
            keywords: whether it shall have some.
        """
        try:
            with open_regular(photo) as file:
                metadata = _format(file).read(file)
            return metadata.xmp is not None and is_described(Outline(metadata.xmp), metadata.other, keywords=keywords)
        except (OSError, ValueError):
            return False

    def write(self, photo: str | os.PathLike[str], description: Description) -> bool:
        """Write what is told of a photo into its file.

        Returns:
            Whether it lacked anything, and was changed.

        Raises:
            PhotoError: the file is of another format, damaged, or cannot be changed without harm or not be written.
        """
        path = Path(photo)
        try:
            with open_regular(path) as file:
                form, before = _format(file), os.fstat(file.fileno())
                if file.seek(0, os.SEEK_END) > LARGEST:
                    raise ValueError(f"it has more than {LARGEST // 2**20} MiB")
                file.seek(0)
                content = file.read()
            metadata = form.read(io.BytesIO(content))
            xmp = described(metadata.xmp or EMPTY, description, metadata.other, overwrite=self._overwrite)
            if xmp == metadata.xmp:
                return False
            changed = form.with_xmp(content, xmp)
            written = form.read(io.BytesIO(changed))
            if written.xmp is None or not is_described(Outline(written.xmp), written.other, keywords=False):
                raise ValueError("its metadata cannot be read back")
            _replace(path, changed, before)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            takes_file = isinstance(error, PermissionError) and os.access(path.parent, os.W_OK)
            advice = "; --sidecar writes beside it" if isinstance(error, ValueError) or takes_file else ""
            raise PhotoError(f"{photo}: its metadata were not changed: {reason}{advice}") from error
        return True


def told_in(photo: str | os.PathLike[str]) -> Description:
    """Return what a photo's file tells of it; empty where it tells nothing, or is no JPEG, PNG or WebP file."""
    try:
        with open_regular(photo) as file:
            xmp, other = _format(file).read(file)
        outline = Outline(xmp or EMPTY)
    except (OSError, ValueError):
        return Description("", "", ())
    text = outline.default_text(DESCRIPTION) or other.text
    return Description(outline.default_text(ALT_TEXT), text, (*outline.entries(KEYWORDS), *other.keywords))


def _format(file: BinaryIO) -> _Format:
    """Return the format of a file, which is left at any position."""
    start = file.read(64)
    for form in _FORMATS:
        if form.start.match(start):
            return form
    other = other_format(start)
    raise ValueError(f"{other.name if other else 'its format'} is not JPEG, PNG or WebP")


def _replace(path: Path, content: bytes, before: os.stat_result) -> None:
    """Replace a file that is still as it was; see the module."""
    now = path.stat()
    if (now.st_ino, now.st_size, now.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns):
        raise ValueError("another program changed it meanwhile")
    if not os.access(path, os.W_OK):
        raise PermissionError(None, "no permission to write it")
    if hasattr(os, "geteuid") and os.geteuid() not in (0, before.st_uid):
        raise PermissionError(None, "it belongs to another user")
    with atomic_file(path, keep_identity=True, in_place=False) as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
