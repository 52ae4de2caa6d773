"""IPTC-IIM 4.2 in Photoshop's image resources: the description and the keywords of older programs.

It is not made where there is none, as the Metadata Working Group advises ("Guidelines for Handling Image Metadata",
2010), but what is there follows XMP. Letters: a *record* of IIM is a data set of its standard.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seetell.photos.metadata.description import OtherMetadata

_HEAD = b"Photoshop 3.0\0"
_IPTC, _DIGEST = 0x0404, 0x0425
_CAPTION, _KEYWORD, _CHARACTERS = (2, 120), (2, 25), (1, 90)
_UTF8 = b"\x1b%G"
LONGEST_CAPTION, LONGEST_KEYWORD = 2000, 64
"""Bytes that the standard permits."""

MAX_RECORDS = 10_000
"""Most records that are read."""


class _Resource(NamedTuple):
    number: int
    name: bytes
    data: bytes


class _Record(NamedTuple):
    kind: tuple[int, int]
    data: bytes


def is_iptc(payload: bytes) -> bool:
    """Return whether the payload of a segment ``APP13`` has IPTC-IIM."""
    return any(resource.number == _IPTC for resource in _resources(payload))


def read(payload: bytes) -> OtherMetadata:
    """Return description and keywords; damaged data have none.

    Args:
        payload: of a segment ``APP13``.
    """
    records = [record for resource in _resources(payload) if resource.number == _IPTC for record in _records(resource)]
    texts = [_text(record.data) for record in records if record.kind == _CAPTION]
    keywords = [_text(record.data) for record in records if record.kind == _KEYWORD]
    return OtherMetadata(texts[0] if texts else "", tuple(filter(None, keywords)))


def synchronised(payload: bytes, text: str, keywords: Sequence[str]) -> bytes:
    """Return a payload whose description, if it has one and ``text`` is not empty, is that, and which has the keywords.

    Where the data do not say that they are UTF-8, only ASCII is written. A digest of the data, by which programs know
    that nobody else changed them, follows.
    """
    resources = list(_resources(payload))
    (place,) = [number for number, resource in enumerate(resources) if resource.number == _IPTC][:1]
    records = list(_records(resources[place]))
    whole = _HEAD + b"".join(map(_packed_resource, resources))
    if b"".join(map(_packed, records)) != resources[place].data or whole != payload:
        raise ValueError("its IPTC data are damaged")
    utf8 = any(record.kind == _CHARACTERS and record.data == _UTF8 for record in records)

    def encoded(value: str, longest: int) -> bytes | None:
        if not (utf8 or value.isascii()):
            return None
        return value.encode()[:longest].decode("utf-8", "ignore").encode()

    caption = encoded(text, LONGEST_CAPTION)
    changed = [
        _Record(_CAPTION, caption) if record.kind == _CAPTION and text and caption is not None else record
        for record in records
    ]
    there = {_text(record.data).lower() for record in records if record.kind == _KEYWORD}
    new = [encoded(word, LONGEST_KEYWORD) for word in keywords if word.lower() not in there]
    last = max((number for number, record in enumerate(changed) if record.kind <= _KEYWORD), default=-1)
    changed[last + 1 : last + 1] = [_Record(_KEYWORD, word) for word in new if word]
    data = b"".join(map(_packed, changed))
    if data == resources[place].data:
        return payload
    resources[place] = resources[place]._replace(data=data)
    digest = hashlib.md5(data, usedforsecurity=False).digest()
    resources = [each._replace(data=digest) if each.number == _DIGEST else each for each in resources]
    return _HEAD + b"".join(map(_packed_resource, resources))


def _text(data: bytes) -> str:
    try:
        return data.decode().strip()
    except UnicodeDecodeError:
        return data.decode("latin-1").strip()


def _resources(payload: bytes) -> Iterator[_Resource]:
    if not payload.startswith(_HEAD):
        return
    at = len(_HEAD)
    while payload[at : at + 4] == b"8BIM" and at + 12 <= len(payload):
        (number,) = struct.unpack_from(">H", payload, at + 4)
        name = payload[at + 6 : at + 7 + payload[at + 6]]
        at += 6 + len(name) + len(name) % 2
        if at + 4 > len(payload):
            return
        (size,) = struct.unpack_from(">I", payload, at)
        data = payload[at + 4 : at + 4 + size]
        if len(data) < size:
            return
        yield _Resource(number, name, data)
        at += 4 + size + size % 2


def _packed_resource(resource: _Resource) -> bytes:
    name = resource.name + b"\0" * (len(resource.name) % 2)
    size = len(resource.data)
    head = b"8BIM" + struct.pack(">H", resource.number) + name + struct.pack(">I", size)
    return head + resource.data + b"\0" * (size % 2)


def _records(resource: _Resource) -> Iterator[_Record]:
    data, at = resource.data, 0
    for _ in range(MAX_RECORDS):
        if data[at : at + 1] != b"\x1c" or at + 5 > len(data):
            return
        record, number, size = struct.unpack_from(">BBH", data, at + 1)
        if size & 0x8000 or at + 5 + size > len(data):
            return
        yield _Record((record, number), data[at + 5 : at + 5 + size])
        at += 5 + size


def _packed(record: _Record) -> bytes:
    return b"\x1c" + struct.pack(">BBH", *record.kind, len(record.data)) + record.data
