"""XMP in WebP files: the chunk ``XMP `` of the extended format (RFC 9649, section 2.7)."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

from seetell.photos.metadata.parts import MAX_PARTS, MAX_XMP, Metadata, Part, refuse_appended, refuse_signed, spliced

_HAS_XMP, _HAS_ALPHA = 0x04, 0x10
_SIGNED = b"C2PA"
MAX_RIFF = 2**32 - 10
"""Largest size that a RIFF file tells."""


def is_webp(start: bytes) -> bool:
    """Return whether a file that begins with these bytes is a WebP file."""
    return start[:4] == b"RIFF" and start[8:12] == b"WEBP"


def read(file: BinaryIO) -> Metadata:
    """Return the metadata of a WebP file.

    Raises:
        ValueError: the file is damaged, or its metadata cannot be read.
    """
    found = _xmp_chunk(_chunks(file))
    if found is None:
        return Metadata(None)
    file.seek(found.start + 4)
    (size,) = struct.unpack("<I", file.read(4))
    if size > MAX_XMP:
        raise ValueError(f"its XMP has more than {MAX_XMP // 2**20} MiB")
    return Metadata(file.read(size))


def with_xmp(content: bytes, xmp: bytes) -> bytes:
    """Return a WebP file with another XMP document; the head of the extended format is added where it lacks one.

    Raises:
        ValueError: the file is damaged, or cannot be changed without harm.
    """
    file = io.BytesIO(content)
    chunks = _chunks(file)
    refuse_signed(chunk.kind == _SIGNED for chunk in chunks)
    refuse_appended(content[chunks[-1].end :])
    chunk = b"XMP " + struct.pack("<I", len(xmp)) + xmp + b"\0" * (len(xmp) % 2)
    first, end = chunks[0], chunks[-1].end
    old = _xmp_chunk(chunks)
    changes = [(end, end, chunk) if old is None else (old.start, old.end, chunk)]
    if first.kind == b"VP8X":
        flags = first.start + 8
        changes.append((flags, flags + 1, bytes([content[flags] | _HAS_XMP])))
    else:
        changes.append((first.start, first.start, _extended_head(content, first)))
    grown = sum(len(new) - (stop - start) for start, stop, new in changes)
    size = end - 8 + grown
    if size > MAX_RIFF:
        raise ValueError("it has no room for more")
    return spliced(content, (4, 8, struct.pack("<I", size)), *changes)


def _chunks(file: BinaryIO) -> list[Part]:
    """Return the chunks of a file; what follows the size that it tells is none of it."""
    file.seek(0)
    head = file.read(12)
    length = file.seek(0, 2)
    if not is_webp(head):
        raise ValueError("the WebP file is damaged")
    end = 8 + struct.unpack("<I", head[4:8])[0]
    at, found = 12, list[Part]()
    while at < end and len(found) < MAX_PARTS:
        file.seek(at)
        start = file.read(8)
        size = struct.unpack("<I", start[4:])[0] if len(start) == 8 else length
        stop = at + 8 + size + size % 2
        if stop > length:
            raise ValueError("the WebP file is damaged")
        found.append(Part(start[:4], at, stop))
        at = stop
    if at < end or not found or found[0].kind not in (b"VP8X", b"VP8 ", b"VP8L"):
        raise ValueError("the WebP file is damaged")
    return found


def _xmp_chunk(chunks: list[Part]) -> Part | None:
    found = [chunk for chunk in chunks if chunk.kind == b"XMP "]
    if len(found) > 1:
        raise ValueError("it has several XMP documents")
    return found[0] if found else None


def _extended_head(content: bytes, picture: Part) -> bytes:
    """Return the chunk ``VP8X`` for the picture of a simple file, lossy or not."""
    data = content[picture.start + 8 : picture.end]
    if picture.kind == b"VP8L" and data[:1] == b"\x2f":
        (sides,) = struct.unpack("<I", data[1:5])
        width, height, alpha = sides & 0x3FFF, sides >> 14 & 0x3FFF, sides >> 28 & 1
    elif picture.kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = ((side & 0x3FFF) - 1 for side in struct.unpack("<HH", data[6:10]))
        alpha = 0
    else:
        raise ValueError("the WebP file is damaged")
    flags = _HAS_XMP | (_HAS_ALPHA if alpha else 0)
    head = struct.pack("<4sII", b"VP8X", 10, flags)
    return head + int(width).to_bytes(3, "little") + int(height).to_bytes(3, "little")
