"""The files that an ONNX graph reads its weights from, checked before ONNX Runtime opens them.

A graph may keep tensors in other files, each named by a *location* relative to the graph. ONNX Runtime before 1.24
reads any file of the machine that a graph names, or even an address in its own memory. So every location is read from
the protocol buffer here, without a package for that: only the messages that can contain a tensor are looked into.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from seetell.errors import BundleError
from seetell.regular_file import open_regular

MAX_FIELDS = 2_000_000
"""Fields of a graph that are read: a few seconds. A large model has tens of thousands."""

_PARTS = {
    "model": {7: "graph", 20: "training"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""Fields of the messages of onnx.proto3 that can contain a tensor, and what they are."""

_FUNCTIONS, _OPERATOR, _EXTERNAL_DATA = 25, 4, 13
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_NUMBER = re.compile("[0-9]{1,18}")


def check_graph(graph: Path) -> bool:
    """Check that all files which a graph reads are regular ones in its own folder, and long enough.

    Args:
        graph: an ONNX file.

    Returns:
        Whether it has loops, which may have no end.

    Raises:
        BundleError: it names another file, has functions, or is no regular file or no ONNX graph itself.
    """
    scan = _Scan()
    try:
        with open_regular(graph) as file:
            if not os.fstat(file.fileno()).st_size:
                raise BundleError(f"{graph}: is empty; install or export the model again")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                scan.read(content)
    except OSError as error:
        raise BundleError(f"{graph}: cannot be read ({error.strerror}); install or export the model again") from error
    except (ValueError, IndexError) as error:
        raise BundleError(f"{graph}: is not an ONNX graph ({error}); install or export the model again") from error
    for entry in scan.entries:
        for name, value in entry:
            if name == "location":
                _check_entry(graph, {**dict(entry), name: value})
    return scan.has_loops


def _check_entry(graph: Path, entry: dict[str, str]) -> None:
    """Check the place of one tensor's data: ``location``, and perhaps ``offset`` and ``length`` in bytes."""
    location = entry.get("location", "")
    parts = PurePosixPath(location).parts
    plain = bool(parts) and location[0] not in "/*" and ".." not in parts and "\\" not in location
    try:
        found = [os.lstat(graph.parent.joinpath(*parts[:count])) for count in range(1, len(parts) + 1)] if plain else []
    except (OSError, ValueError):
        found = []
    if not found or not stat.S_ISREG(found[-1].st_mode) or not all(stat.S_ISDIR(each.st_mode) for each in found[:-1]):
        raise BundleError(
            f"{graph}: reads weights from {location[:200]!r}, which is not a regular file in the model's folder; "
            "install or export the model again, or do not use it"
        )
    offset, length = entry.get("offset", "0"), entry.get("length", "0")
    if not (_NUMBER.fullmatch(offset) and _NUMBER.fullmatch(length) and int(offset) + int(length) <= found[-1].st_size):
        raise BundleError(
            f"{graph}: reads {length[:20]} bytes at {offset[:20]} of {location}, which has {found[-1].st_size}; "
            "install or export the model again"
        )


class _Scan:
    """What the messages of a graph contain.

    Attributes:
        entries: the external data of tensors, as pairs of name and value; each distinct one once.
        has_loops: whether a node is a loop.
    """

    def __init__(self) -> None:
        self.entries: set[tuple[tuple[str, str], ...]] = set()
        self.has_loops = False

    def read(self, content: mmap.mmap) -> None:
        """Read an ONNX file.

        Raises:
            ValueError: it is no protocol buffer, has too many fields, or functions.
            IndexError: it ends too early.
        """
        waiting = [("model", 0, len(content))]
        count = 0
        while waiting:
            kind, start, end = waiting.pop()
            parts = _PARTS[kind]
            entry = []
            for field, begin, stop in _fields(content, start, end):
                count += 1
                if field in parts:
                    waiting.append((parts[field], begin, stop))
                elif kind == "tensor" and field == _EXTERNAL_DATA:
                    entry.append(_pair(content, begin, stop))
                elif kind == "node" and field == _OPERATOR:
                    self.has_loops = self.has_loops or content[begin:stop] == b"Loop"
                elif kind == "model" and field == _FUNCTIONS:
                    raise ValueError("it has functions, which could unfold without end")
                if count > MAX_FIELDS:
                    raise ValueError(f"it has more than {MAX_FIELDS:,} fields")
            if entry:
                self.entries.add(tuple(entry))


def _fields(content: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield number, begin and end of the fields of a message that are messages, text or bytes."""
    while start < end:
        tag = content[start]
        start += 1
        if tag > 127:
            tag, start = _varint(content, start - 1)
            if tag >= 2**32:
                raise ValueError("a field's number is too large")
        wire = tag & 7
        if wire == _BYTES:
            length = content[start]
            start += 1
            if length > 127:
                length, start = _varint(content, start - 1)
            if start + length > end:
                raise ValueError("a field is longer than what it is in")
            yield tag >> 3, start, start + length
            start += length
        elif wire == _VARINT:
            _, start = _varint(content, start)
        elif wire in (_FIXED32, _FIXED64):
            start += 4 if wire == _FIXED32 else 8
        else:
            raise ValueError(f"a field has the type {wire}")
    if start > end:
        raise ValueError("a field is longer than what it is in")


def _varint(content: mmap.mmap, start: int) -> tuple[int, int]:
    """Return a number, 7 bits a byte, and where it ends."""
    byte = content[start]
    if byte < 128:
        return byte, start + 1
    number = byte & 127
    for place in range(1, 10):
        byte = content[start + place]
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number, start + place + 1
    raise ValueError("a number is too long")


def _pair(content: mmap.mmap, start: int, end: int) -> tuple[str, str]:
    """Return the name and value of an entry."""
    fields = {field: content[begin:stop] for field, begin, stop in _fields(content, start, end)}
    name, value = (fields.get(number, b"").decode("utf-8", "surrogateescape") for number in (1, 2))
    return name, value
