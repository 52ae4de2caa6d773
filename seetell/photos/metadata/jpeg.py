"""XMP in JPEG files: a segment ``APP1`` (Adobe, "XMP Specification Part 3", section 1.1.3), before the picture.

All other segments and the picture's data stay as they are, but for two. A multi-picture file (CIPA DC-007), such as an
Ultra HDR photo, tells the size of its first picture and where the others begin: these numbers follow. A description and
keywords in IPTC-IIM follow those in XMP, since programs that read both take the older ones otherwise. Pictures, films
and other data after the picture stay where they are from the end of the file, which is how what points to them counts;
what is not known to count so is not moved.
"""

from __future__ import annotations

import io
import re
import struct
from itertools import takewhile
from typing import BinaryIO

from seetell.photos.metadata import iptc
from seetell.photos.metadata.description import DESCRIPTION, KEYWORDS, OtherMetadata
from seetell.photos.metadata.parts import MAX_XMP, Change, Metadata, Part, refuse_appended, refuse_signed, spliced
from seetell.photos.metadata.xmp import EMPTY, Outline
from seetell.photos.structure import MAX_JPEG_JUNK, MAX_JPEG_SEGMENTS

SIGNATURE = b"\xff\xd8"
LARGEST_SEGMENT = 0xFFFF - 2
"""Bytes that a segment holds."""

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_EXIF = b"Exif\0\0"
_PICTURES = b"MPF\0"
_APP0, _APP1, _APP2, _APP11, _APP13 = (bytes([0xE0 + number]) for number in (0, 1, 2, 11, 13))
_FIRST_SCAN, _END = b"\xda", b"\xd9"
_DESCRIPTION_TAG, _ASCII = 0x010E, 2
_BY_A_CAMERA = re.compile(
    r"(OLYMPUS|SONY|MINOLTA|SAMSUNG|KODAK|CASIO|PENTAX|NIKON|Canon)?\W*(DIGITAL (STILL )?CAMERA|DSC|ASCII)?\W*"
    r"|DCIM\W.*|binary comment|default|untitled|image description",
    re.IGNORECASE,
)
"""Descriptions that cameras write into every photo."""

LONGEST_BY_A_CAMERA = 100

_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_PACKET_END = b"<?xpacket end="
_FILM = re.compile(rb"MotionPhoto|MicroVideo|Container:Directory")
"""XMP of photos whose further parts are counted from the end of the file."""

_TRAILERS = (b"SEFT", b"CANON OPTIONAL DATA\0")
"""Ends of what makers append, which counts from there."""


def read(file: BinaryIO) -> Metadata:
    """Return the metadata of a JPEG file.

    Raises:
        ValueError: the file is damaged, or its metadata cannot be read.
    """
    segments = _segments(file)
    found = _xmp_segment(file, segments)
    xmp = None if found is None else _payload(file, found)[len(_XMP) :]
    text, keywords = "", tuple[str, ...]()
    for segment in segments:
        if segment.kind == _APP13:
            told = iptc.read(_payload(file, segment))
            text, keywords = text or told.text, keywords or told.keywords
        elif segment.kind == _APP1 and not text:
            text = _exif_description(_payload(file, segment))
    return Metadata(xmp, OtherMetadata(text, keywords))


def with_xmp(content: bytes, xmp: bytes) -> bytes:
    """Return a JPEG file with another XMP document.

    Raises:
        ValueError: the file is damaged, or cannot be changed without harm.
    """
    file = io.BytesIO(content)
    segments = _segments(file)
    payloads = {segment: _payload(file, segment) for segment in segments if segment.kind in _APP1 + _APP2 + _APP11}
    refuse_signed(segment.kind == _APP11 and b"c2pa" in payload for segment, payload in payloads.items())
    _check_extended([payload for segment, payload in payloads.items() if segment.kind == _APP1])
    old = _xmp_segment(file, segments)
    head, (document, packet_end, rest) = len(_XMP), xmp.rpartition(_PACKET_END)
    if head + len(xmp) > LARGEST_SEGMENT and packet_end:
        xmp = document.rstrip() + b"\n" + packet_end + rest  # without the padding
    if head + len(xmp) > LARGEST_SEGMENT:
        raise ValueError(f"its XMP has no room for more; a JPEG file holds {LARGEST_SEGMENT // 1000} kB")
    new = b"\xff" + _APP1 + struct.pack(">H", 2 + head + len(xmp)) + _XMP + xmp
    if old is None:
        first = takewhile(lambda each: each.kind == _APP0 or payloads.get(each, b"").startswith(_EXIF), segments)
        start = end = max((segment.end for segment in first), default=len(SIGNATURE))
    else:
        _, start, end = old
    changes = [(start, end, new), *_synchronised(file, segments, xmp, old)]
    pictures = [segment for segment, payload in payloads.items() if segment.kind == _APP2 and payload[:4] == _PICTURES]
    if pictures:
        changes.append(_moved_pictures(content, pictures, changes))
    else:
        _check_end(content, segments[-1].start, xmp)
    return spliced(content, *changes)


def _segments(file: BinaryIO) -> list[Part]:
    """Return the segments before the picture, and the head of its first scan."""
    length = file.seek(0, 2)
    at, fill, found = len(SIGNATURE), 0, list[Part]()
    while len(found) < MAX_JPEG_SEGMENTS and fill < MAX_JPEG_JUNK:
        file.seek(at)
        head = file.read(4)
        if head[:2] == b"\xff\xff":  # fill bytes
            at, fill = at + 1, fill + 1
            continue
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0x00, 0x01) or 0xD0 <= head[1] <= 0xD9:
            break
        (size,) = struct.unpack(">H", head[2:])
        if size < 2 or at + 2 + size > length:
            break
        found.append(Part(head[1:2], at, at + 2 + size))
        if head[1:2] == _FIRST_SCAN:
            return found
        at += 2 + size
    raise ValueError("the JPEG file is damaged")


def _payload(file: BinaryIO, segment: Part) -> bytes:
    file.seek(segment.start + 4)
    return file.read(segment.end - segment.start - 4)


def _xmp_segment(file: BinaryIO, segments: list[Part]) -> Part | None:
    found = [segment for segment in segments if segment.kind == _APP1 and _payload(file, segment).startswith(_XMP)]
    if len(found) > 1:
        raise ValueError("it has several XMP documents")
    return found[0] if found else None


def _check_extended(payloads: list[bytes]) -> None:
    """Refuse extended XMP, the part of a document that has no room in one segment, if it tells of the photo."""
    parts = sorted(
        (struct.unpack_from(">I", payload, len(_EXTENDED) + 36)[0], payload[len(_EXTENDED) + 40 :])
        for payload in payloads
        if payload.startswith(_EXTENDED) and len(payload) >= len(_EXTENDED) + 40
    )
    document = b"".join(part for _, part in parts)
    if not document or len(document) > MAX_XMP:
        return
    try:
        told = Outline(document).properties.keys()
    except ValueError:  # parts of several documents, or none; what is in there stays as it is
        return
    if {DESCRIPTION[1:], KEYWORDS[1:]} & told:
        raise ValueError("its extended XMP has a description or keywords, which stay out of reach")


def _exif_description(payload: bytes) -> str:
    """Return the description that somebody wrote into Exif data; empty if there is none, or a camera did."""
    exif = payload.removeprefix(_EXIF)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or exif is payload:
        return ""
    text = ""
    try:
        (at,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, at)
        for entry in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind, length, place = struct.unpack_from(order + "HHII", exif, entry)
            if (tag, kind) == (_DESCRIPTION_TAG, _ASCII):
                place = place if length > 4 else entry + 8
                text = exif[place : place + length].partition(b"\0")[0].decode("utf-8", "replace").strip()
    except struct.error:
        return ""
    return "" if len(text) <= LONGEST_BY_A_CAMERA and _BY_A_CAMERA.fullmatch(text) else text


def _synchronised(file: BinaryIO, segments: list[Part], xmp: bytes, old: Part | None) -> list[Change]:
    """Return the changes by which IPTC-IIM that is there tells what is new in XMP."""
    found = [segment for segment in segments if segment.kind == _APP13 and iptc.is_iptc(_payload(file, segment))]
    if not found:
        return []
    if len(found) > 1:
        raise ValueError("its IPTC data are in several segments, which are not changed")
    told, known = Outline(xmp), Outline(EMPTY if old is None else _payload(file, old)[len(_XMP) :])
    text, there = told.default_text(DESCRIPTION), {keyword.lower() for keyword in known.entries(KEYWORDS)}
    new = [keyword for keyword in told.entries(KEYWORDS) if keyword.lower() not in there]
    before = _payload(file, found[0])
    after = iptc.synchronised(before, "" if text == known.default_text(DESCRIPTION) else text, new)
    if after == before or len(after) > LARGEST_SEGMENT:
        return []
    return [(found[0].start + 2, found[0].end, struct.pack(">H", len(after) + 2) + after)]


def _moved_pictures(content: bytes, segments: list[Part], changes: list[Change]) -> Change:
    """Return the change by which the index of a multi-picture file is right after others.

    Offsets count from the byte order of the index, so that they only change by what is inserted between.
    """
    (segment, *others) = segments
    start, end = segment.start + 4 + len(_PICTURES), segment.end
    index = bytearray(content[start:end])
    grown = sum(len(new) - (stop - first) for first, stop, new in changes)
    after = sum(len(new) - (stop - first) for first, stop, new in changes if first >= end)
    try:
        if others:
            raise ValueError("two indexes")
        order = {b"II*\0": "<", b"MM\0*": ">"}[bytes(index[:4])]
        (at,) = struct.unpack_from(order + "I", index, 4)
        (count,) = struct.unpack_from(order + "H", index, at)
        entries = [struct.unpack_from(order + "HHII", index, at + 2 + 12 * number) for number in range(count)]
        ((size, place),) = [(size, place) for tag, kind, size, place in entries if tag == 0xB002 and kind == 7]
        for entry in range(place, place + size - size % 16, 16):
            length, offset = struct.unpack_from(order + "II", index, entry + 4)
            if offset == 0:
                struct.pack_into(order + "I", index, entry + 4, length + grown)
            else:
                struct.pack_into(order + "I", index, entry + 8, offset + after)
    except (struct.error, KeyError, ValueError) as error:
        raise ValueError("it holds several pictures, whose index is damaged") from error
    return start, end, bytes(index)


def _check_end(content: bytes, scan: int, xmp: bytes) -> None:
    """Refuse a file with data after the picture that something may point to from its beginning."""
    if _FILM.search(xmp) or content.endswith(_TRAILERS):
        return
    at = scan
    while found := _MARKER.search(content, at):
        if found[1] == _END:
            return refuse_appended(content[found.end() :])
        at = found.end()
        if found[1] != b"\x01" and at + 2 <= len(content):
            at += max(2, struct.unpack_from(">H", content, at)[0])
    raise ValueError("the JPEG file is cut short")
