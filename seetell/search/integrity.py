"""Notice damaged entries of an index: every row has a checksum, and every vector its type, length and norm.

Bytes on a disk change by themselves, if rarely. An index with damaged entries is refused by searches, which would
otherwise give other answers, and mended by the next update.
"""

from __future__ import annotations

import os
import sqlite3
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seetell.regular_file import open_regular
from seetell.search.moments import damaged_moments, remove_damaged_films

if TYPE_CHECKING:
    from seetell.search.store import Store

Value = str | bytes | int | float | None

_CONTENT_TYPES = "typeof(hash) = 'blob' AND typeof(vector) IN ('blob', 'null') AND typeof(failure) IN ('text', 'null')"
_PHOTO_TYPES = (
    "typeof(folder) = 'blob' AND typeof(name) = 'blob' AND typeof(size) = 'integer' AND typeof(changed) = 'integer'"
    " AND typeof(content) = 'integer' AND typeof(missing_since) IN ('real', 'null')"
)

CONTENT_IS_SOUND = (
    f"({_CONTENT_TYPES} AND length(hash) = 32 AND (vector IS NULL) <> (failure IS NULL)"
    " AND (vector IS NULL OR length(vector) = (SELECT 2 * value FROM facts WHERE name = 'dimensions'))"
    " AND checksum IS checksum(CAST(hash AS BLOB), CAST(vector AS BLOB), CAST(failure AS BLOB))) IS 1"
)
"""Whether a row of ``contents`` is as it was written."""

PHOTO_IS_SOUND = (
    f"({_PHOTO_TYPES} AND checksum IS checksum(CAST(folder AS BLOB), CAST(name AS BLOB), CAST(size AS INTEGER),"
    " CAST(changed AS INTEGER), CAST(content AS INTEGER), CAST(missing_since AS REAL))) IS 1"
)
"""Whether a row of ``photos`` is as it was written. The casts keep text that is not UTF-8 from being decoded."""


_HAS_CONTENT = "content IN (SELECT id FROM contents)"


def checksum(*values: Value) -> int:
    """Return the CRC-32 of a row's values."""
    crc = 0
    for value in values:
        content = value if isinstance(value, bytes) else (value if isinstance(value, str) else repr(value)).encode()
        crc = zlib.crc32(content, crc ^ len(content))
    return crc


def file_checksum(path: Path) -> int:
    """Return the CRC-32 of a file.

    Raises:
        OSError: it cannot be read.
    """
    crc = 0
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return crc


def add_checksums(database: sqlite3.Connection) -> None:
    """Make :func:`checksum` a function of a connection's SQL."""
    database.create_function("checksum", -1, checksum, deterministic=True)


def have_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Return whether each of some vectors ``(N, D)`` has length 1, but for rounding to 16 bits; not if one is NaN."""
    return np.asarray(np.abs(np.einsum("nd,nd->n", vectors, vectors) - 1) < 0.02)


def damaged_entries(store: Store) -> int:
    """Read all entries of an index and return how many are not as they were written.

    Raises:
        PhotoIndexError: the file is no index any more.
    """
    fault = _structural_fault(store)
    ((contents,),) = store.rows(f"SELECT count(*) FROM contents WHERE NOT {CONTENT_IS_SOUND}")
    ((photos,),) = store.rows(f"SELECT count(*) FROM photos WHERE NOT ({PHOTO_IS_SOUND} AND {_HAS_CONTENT})")
    return int(contents + photos) + damaged_moments(store) or int(fault is not None)


def remove_damaged_entries(store: Store) -> list[str]:
    """Remove the entries that are not as they were written, so that an update adds them again.

    Args:
        store: opened for writing.

    Returns:
        The paths of the photos that were removed, where they are known.

    Raises:
        PhotoIndexError: the file itself is damaged.
    """
    if _structural_fault(store) is not None:
        with store.transaction():
            store.change_many("REINDEX", [()])
        fault = _structural_fault(store)
        if fault is not None:
            raise store.damaged(fault)
    with store.transaction():
        store.change_many(f"DELETE FROM contents WHERE NOT {CONTENT_IS_SOUND}", [()])
        odd = [int(index) for ids, vectors in store.vectors(check=False) for index in ids[~have_unit_length(vectors)]]
        store.change_many("DELETE FROM contents WHERE id = ?", [(index,) for index in odd])
        remove_damaged_films(store)
        rows = store.rows(f"SELECT folder, name FROM photos WHERE {PHOTO_IS_SOUND} AND NOT {_HAS_CONTENT}")
        store.change_many(f"DELETE FROM photos WHERE NOT ({PHOTO_IS_SOUND} AND {_HAS_CONTENT})", [()])
    return [os.path.join(os.fsdecode(folder), os.fsdecode(name)) for folder, name in rows]


def _structural_fault(store: Store) -> str | None:
    """Return the first thing that SQLite finds wrong with its file."""
    rows = store.rows("PRAGMA integrity_check(1)")
    return None if rows == [("ok",)] else str(rows)
