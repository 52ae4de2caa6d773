"""XMP in PNG files: the ``iTXt`` chunk ``XML:com.adobe.xmp`` (Adobe, "XMP Specification Part 3", section 1.1.5)."""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO

from seetell.photos.metadata.parts import MAX_PARTS, MAX_XMP, Metadata, Part, refuse_appended, refuse_signed, spliced

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"XML:com.adobe.xmp\0"
_SIGNED = b"caBX"


def read(file: BinaryIO) -> Metadata:
    """Return the metadata of a PNG file.

    Raises:
        ValueError: the file is damaged, or its metadata cannot be read.
    """
    found = _xmp_chunk(file, _chunks(file))
    return Metadata(None if found is None else _text(file, found))


def with_xmp(content: bytes, xmp: bytes) -> bytes:
    """Return a PNG file with another XMP document, and every other chunk as it is.

    Raises:
        ValueError: the file is damaged, or cannot be changed without harm.
    """
    file = io.BytesIO(content)
    chunks = _chunks(file)
    refuse_signed(chunk.kind == _SIGNED for chunk in chunks)
    refuse_appended(content[chunks[-1].end :])
    data = b"iTXt" + _KEYWORD + bytes(4) + xmp
    chunk = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    old = _xmp_chunk(file, chunks)
    if old is not None:
        return spliced(content, (old.start, old.end, chunk))
    place = next(each.start for each in chunks if each.kind == b"IDAT")
    return spliced(content, (place, place, chunk))


def _chunks(file: BinaryIO) -> list[Part]:
    """Return the chunks up to the end of the picture."""
    length = file.seek(0, 2)
    at, found = len(SIGNATURE), list[Part]()
    while len(found) < MAX_PARTS + length // 1024:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            break
        size, kind = struct.unpack(">I4s", head)
        if at + 12 + size > length:
            break
        found.append(Part(kind, at, at + 12 + size))
        if kind == b"IEND":
            if found[0].kind != b"IHDR" or not any(chunk.kind == b"IDAT" for chunk in found):
                break
            return found
        at += 12 + size
    raise ValueError("the PNG file is damaged")


def _xmp_chunk(file: BinaryIO, chunks: list[Part]) -> Part | None:
    found = []
    for chunk in chunks:
        if chunk.kind == b"iTXt":
            file.seek(chunk.start + 8)
            if file.read(len(_KEYWORD)) == _KEYWORD:
                found.append(chunk)
    if len(found) > 1:
        raise ValueError("it has several XMP documents")
    return found[0] if found else None


def _text(file: BinaryIO, chunk: Part) -> bytes:
    """Return the text of an ``iTXt`` chunk; it may be compressed."""
    if chunk.end - chunk.start > MAX_XMP:
        raise ValueError(f"its XMP has more than {MAX_XMP // 2**20} MiB")
    file.seek(chunk.start + 8 + len(_KEYWORD))
    data = file.read(chunk.end - chunk.start - 12 - len(_KEYWORD))
    parts = data[2:].split(b"\0", 2)  # after the flag and the method of compression: language, keyword in it, text
    if len(parts) < 3:
        raise ValueError("its XMP chunk is damaged")
    if not data[0]:
        return parts[2]
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(parts[2], MAX_XMP)
    except zlib.error as error:
        raise ValueError("its XMP chunk is damaged") from error
    if inflate.unconsumed_tail:
        raise ValueError(f"its XMP has more than {MAX_XMP // 2**20} MiB")
    return text
