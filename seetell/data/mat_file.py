"""MATLAB's files of level 5, as far as lists of annotations need them: structures, cells, text and numbers.

The MathWorks, "MAT-File Format", 2023, chapter 1. Sparse matrices, objects and complex numbers are refused.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from seetell.data.source import read_bytes
from seetell.errors import DataError

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR, _LAST_NUMERIC = 1, 2, 4, 15
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_ENCODINGS = {2: "latin-1", 1: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MOST_BYTES = 2**28
_DEEPEST = 20


def read_mat(path: Path) -> dict[str, Any]:
    """Read the variables of a file.

    Returns:
        By name: a structure is a list of dictionaries, a cell a list, text a string, and numbers an array; lists go
        down the columns of a matrix.

    Raises:
        DataError: it is no such file, damaged, or has what is not read.
    """
    content = read_bytes(path)
    marks = {b"IM": "<", b"MI": ">"}
    order = marks.get(content[126:128])
    if order is None:
        raise DataError(f"{path}: expected a file of MATLAB, version 5 to 7; save others with -v7")
    try:
        elements = _elements(memoryview(content)[_HEADER:], order)
        return dict(_matrix(data, order, 0) for kind, data in elements if kind == _MATRIX)
    except (struct.error, ValueError, IndexError, KeyError, UnicodeDecodeError, zlib.error) as error:
        raise DataError(f"{path}: damaged, or with more than structures, cells, text and numbers: {error}") from error


def _elements(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """Yield the type and the data of each element; compressed ones are what is in them."""
    place = 0
    while place < len(content):
        kind, size = struct.unpack_from(order + "II", content, place)
        if kind >> 16:  # up to four bytes, beside the type
            size, kind, start, end = kind >> 16, kind & 0xFFFF, place + 4, place + 8
        else:
            start = place + 8
            end = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(content):
            raise ValueError("it ends within an element")
        data = content[start : start + size]
        if kind == _COMPRESSED:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(data, _MOST_BYTES)
            if unpacker.unconsumed_tail:
                raise ValueError(f"a variable has more than {_MOST_BYTES} bytes")
            yield from _elements(memoryview(unpacked), order)
        else:
            yield kind, data
        place = end


def _matrix(content: memoryview, order: str, depth: int) -> tuple[str, Any]:
    """Return the name and the value of a matrix."""
    if depth > _DEEPEST:
        raise ValueError(f"matrices within matrices, more than {_DEEPEST} deep")
    elements = list(_elements(content, order))
    if not elements:
        return "", np.zeros(0)
    (_, flags), (_, sizes), (_, name), *parts = elements
    kind = struct.unpack_from(order + "I", flags)[0] & 0xFF
    shape = np.frombuffer(sizes, order + "i4")
    text = bytes(name).decode("latin-1")
    if kind == _STRUCT:
        return text, _structure(parts, order, depth)
    if kind == _CELL:
        return text, [_matrix(data, order, depth + 1)[1] for _, data in parts]
    if not _CHAR <= kind <= _LAST_NUMERIC or kind == 5 or len(parts) != 1:
        raise ValueError(f"a matrix of class {kind}")
    ((stored, data),) = parts
    if kind == _CHAR:
        encoding = _ENCODINGS[stored]
        suffix = ("-le" if order == "<" else "-be") if encoding in ("utf-16", "utf-32") else ""
        return text, bytes(data).decode(encoding + suffix)
    return text, np.frombuffer(data, order + _NUMBERS[stored]).reshape(shape, order="F")


def _structure(parts: list[tuple[int, memoryview]], order: str, depth: int) -> list[dict[str, Any]]:
    (_, width), (_, names), *values = parts
    size = struct.unpack_from(order + "i", width)[0]
    fields = [
        bytes(names[start : start + size]).split(b"\0")[0].decode("latin-1") for start in range(0, len(names), size)
    ]
    found = [_matrix(data, order, depth + 1)[1] for _, data in values]
    return [
        dict(zip(fields, found[start : start + len(fields)], strict=True))
        for start in range(0, len(found), len(fields))
    ]
