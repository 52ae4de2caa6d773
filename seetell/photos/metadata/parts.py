"""What the writers of metadata in JPEG, PNG and WebP files have in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from seetell.photos.metadata.description import OtherMetadata

MAX_XMP = 16 * 2**20
"""Largest size in bytes of an XMP document in a photo; those with long edit histories have a few million."""

MAX_PARTS = 100_000
"""Most segments or chunks of a file that is changed."""


class Part(NamedTuple):
    """A segment of a JPEG file, or a chunk of another, with its head.

    Attributes:
        kind: a marker or a name.
        start: offset of its head.
        end: offset after it.
    """

    kind: bytes
    start: int
    end: int


class Metadata(NamedTuple):
    """The metadata of a photo's file that concern what is told of it.

    Attributes:
        xmp: its XMP document; ``None`` if it has none.
        other: what it tells besides.
    """

    xmp: bytes | None
    other: OtherMetadata = OtherMetadata()


def refuse_signed(parts: Iterable[bool]) -> None:
    """Refuse to change a file that is signed.

    Args:
        parts: for each part of the file whether it is one of Content Credentials.

    Raises:
        ValueError: one of them is.
    """
    if any(parts):
        raise ValueError("it has signed Content Credentials, which would no longer hold")


def refuse_appended(rest: bytes) -> None:
    """Refuse to change a file with data after its end that something may point to from its beginning.

    Args:
        rest: what follows the end; zeros are no data.

    Raises:
        ValueError: there are such data.
    """
    if rest.strip(b"\0"):
        raise ValueError(f"{len(rest):,} bytes of other data follow the picture, which might no longer be found")


Change = tuple[int, int, bytes]
"""Start and end of bytes that are replaced, and by what."""


def spliced(content: bytes, *changes: Change) -> bytes:
    """Return a file's content with some of its bytes replaced.

    Args:
        content: of the file.
        changes: that do not overlap.
    """
    pieces, at = [], 0
    for start, end, new in sorted(changes):
        pieces += [content[at:start], new]
        at = end
    return b"".join([*pieces, content[at:]])
