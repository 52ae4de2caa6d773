"""The boxes of JPEG 2000 and JPEG XL files (ISO/IEC 15444-1, annex I.4), as in ISO base media files."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

HEAD = 8


class Box(NamedTuple):
    """A box of a file.

    Attributes:
        kind: its name of four letters.
        size: in bytes with its head, as it tells; 0 for one that goes to the end of the file.
        content: offset after its head, where the file is when the box is yielded.
        start: offset of its head.
    """

    kind: bytes
    size: int
    content: int
    start: int

    @property
    def is_last(self) -> bool:
        """Whether no box can follow, since its size is less than that of its head."""
        return self.size < self.content - self.start


def boxes(file: BinaryIO, most: int) -> Iterator[Box]:
    """Yield the boxes of a file from its beginning.

    Args:
        file: at any position.
        most: boxes that are looked at.

    Raises:
        struct.error: the file ends within the head of one.
    """
    start = 0
    for _ in range(most):
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(HEAD))
        content = start + HEAD
        if size == 1:
            size, content = struct.unpack(">Q", file.read(8))[0], content + 8
        yield Box(kind, size, content, start)
        start += max(size, HEAD)
