"""The index on disk, one SQLite file: photos, the vectors of their contents, and the model that made them.

A vector belongs to a content, not to a file: moved, copied and renamed photos keep theirs.
"""

from __future__ import annotations

import itertools
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from seetell.errors import PhotoIndexError
from seetell.file_lock import FileLock, LockedError
from seetell.search.integrity import CONTENT_IS_SOUND, PHOTO_IS_SOUND, add_checksums, checksum, have_unit_length

FILE = "photos.db"
LOCK = "lock"
FORMAT = 2
APPLICATION = 0x5EE7E11
TIMEOUT = 30.0
"""Seconds to wait while another process writes a batch."""

PAGE = 16_384
"""Bytes of a page of the file: several vectors fit on one, however long they are."""

VECTOR = np.dtype("<f2")

_SCHEMA = f"""
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: other files refer to it
    hash BLOB NOT NULL UNIQUE,
    vector BLOB,                           -- float16, of length 1
    failure TEXT,                          -- or the reason why there is none
    checksum INTEGER NOT NULL              -- of hash, vector and failure
);
CREATE TABLE photos (
    folder BLOB NOT NULL,                  -- names are bytes: not every file name is text
    name BLOB NOT NULL,
    size INTEGER NOT NULL,
    changed INTEGER NOT NULL,              -- nanoseconds
    content INTEGER NOT NULL REFERENCES contents,
    missing_since REAL,                    -- seconds; NULL while the file is there
    checksum INTEGER NOT NULL,             -- of the columns before
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX photos_of_content ON photos (content);
"""


class Store:
    """An open index file.

    Args:
        folder: folder of the index.
        write: create the index if there is none, and lock it for writing.

    Raises:
        PhotoIndexError: there is no index, it is damaged, or another process is changing it.
    """

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._lock: FileLock | None = None
        if write:
            self._make_folder()
            self._lock = self._only_writer()
        elif not self.path.is_file() or not self.path.stat().st_size:  # as a first run leaves it on a full disk
            raise PhotoIndexError(f"{folder}: there is no index of photos; make one: seetell index FOLDER")
        try:
            with self.errors():
                self._database = _connect(self.path, "rwc" if write else "rw" if _writable(folder) else "ro")
                self._prepare(write)
        except BaseException:
            self.close()
            raise

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PhotoIndexError(f"{self.folder}: no index can be made there ({error.strerror})") from error
        if not _writable(self.folder):
            raise PhotoIndexError(f"{self.folder}: nothing can be written there; name another place for the index")

    def _only_writer(self) -> FileLock:
        try:
            return FileLock(self.folder / LOCK)
        except LockedError as error:
            raise PhotoIndexError(
                f"{self.folder}: another seetell is changing this index; run again when it is done"
            ) from error
        except OSError as error:
            raise PhotoIndexError(f"{self.folder}: nothing can be written there ({error.strerror})") from error

    def _prepare(self, write: bool) -> None:
        if write and not self._value("SELECT count(*) FROM sqlite_master"):
            self._database.execute(f"PRAGMA page_size = {PAGE}")  # only before the first transaction
            with self.transaction():
                for statement in _SCHEMA.split(";\n"):
                    self._database.execute(statement)
                self.set_metadata("key", secrets.token_hex(8))
        application, version = self._value("PRAGMA application_id"), self._value("PRAGMA user_version")
        if application != APPLICATION:
            raise PhotoIndexError(f"{self.path}: is not an index of photos; name another place for the index")
        if version != FORMAT:
            raise PhotoIndexError(
                f"{self.path}: has format {version}, this seetell reads {FORMAT}; "
                "delete the folder and index the photos again"
            )
        if self.get_metadata("checksum") != self._metadata_checksum():
            raise self.damaged("its description has another checksum")

    def close(self) -> None:
        """Close the files."""
        if hasattr(self, "_database"):
            self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ``PhotoIndexError``s with advice."""
        try:
            yield
        except sqlite3.ProgrammingError:  # not the file's fault
            raise
        except sqlite3.Error as error:
            message = str(error)
            if "full" in message or "disk I/O" in message:
                advice = "the disk is full; free some space and run again, what was indexed before is kept"
            elif "locked" in message:
                advice = "another seetell is changing this index; try again in a moment"
            elif "readonly" in message:
                advice = "the index cannot be written; run again where it can, or name another place"
            elif "unable to open" in message:
                advice = "the index cannot be opened"
            else:
                raise self.damaged(message) from error
            raise PhotoIndexError(f"{self.path}: {advice} ({message})") from error

    def damaged(self, reason: str) -> PhotoIndexError:
        """Return the error for a file that cannot be mended."""
        advice = "the index is damaged; delete the folder and index the photos again"
        return PhotoIndexError(f"{self.path}: {advice} ({reason})")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit the changes of the block together, or none of them."""
        with self.errors():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return all rows."""
        with self.errors():
            return self._database.execute(statement, values).fetchall()

    def change_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row of values."""
        with self.errors():
            self._database.executemany(statement, rows)

    def _value(self, statement: str, values: Sequence[Any] = ()) -> Any:
        row = self._database.execute(statement, values).fetchone()
        return None if row is None else row[0]

    def get_metadata(self, name: str) -> Any:
        """Return the value stored under a name, or ``None``."""
        with self.errors():
            return self._value("SELECT value FROM facts WHERE name = ?", (name,))

    def set_metadata(self, name: str, value: object) -> None:
        """Store a value under a name."""
        with self.errors():
            write = "INSERT OR REPLACE INTO facts VALUES (?, ?)"
            self._database.execute(write, (name, value))
            self._database.execute(write, ("checksum", self._metadata_checksum()))

    def _metadata_checksum(self) -> int:
        return checksum(*itertools.chain(*self.rows("SELECT * FROM facts WHERE name <> 'checksum' ORDER BY name")))

    def has_table(self, name: str) -> bool:
        """Return whether there is a table, of those that an index gets when they are first needed."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def write_contents(self, rows: Sequence[tuple[bytes, bytes | None, str | None]]) -> None:
        """Write contents, in place of earlier ones: the hash of each, and its vector or the reason why it has none."""
        self.change_many(
            "INSERT INTO contents (hash, vector, failure, checksum) VALUES (?1, ?2, ?3, checksum(?1, ?2, ?3))"
            " ON CONFLICT (hash) DO UPDATE"
            " SET vector = excluded.vector, failure = excluded.failure, checksum = excluded.checksum",
            rows,
        )

    def changes(self) -> tuple[int, int]:
        """Return a version that differs after any change of the file, by this process or another."""
        with self.errors():
            return self._value("PRAGMA data_version"), self._database.total_changes

    def vector_count(self, *, after: int = 0) -> int:
        """Count the vectors of contents with ids above ``after``."""
        with self.errors():
            statement = "SELECT count(*) FROM contents WHERE id > ? AND vector IS NOT NULL"
            return int(self._value(statement, (after,)))

    def vectors(
        self, *, after: int = 0, batch: int = 8192, check: bool = True
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the vectors of contents with ids above ``after``: ids ``(B,)`` and vectors ``(B, D)`` float32.

        Raises:
            PhotoIndexError: one has another size or, if ``check`` is set, length than 1.
        """
        with self.errors():
            statement = "SELECT id, vector FROM contents WHERE id > ? AND vector IS NOT NULL ORDER BY id"
            cursor = self._database.execute(statement, (after,))
            while rows := cursor.fetchmany(batch):
                yield self._ids_and_vectors(rows, check=check)

    def vectors_of(self, contents: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return ids and vectors of the contents that still exist, as :meth:`vectors` does; at most a few thousand."""
        marks = ",".join("?" * len(contents))
        statement = f"SELECT id, vector, {CONTENT_IS_SOUND} FROM contents WHERE id IN ({marks}) AND vector IS NOT NULL"
        rows = self.rows(statement, [int(content) for content in contents])
        if not all(sound for _, _, sound in rows):
            raise self.unsound()
        return self._ids_and_vectors([(index, vector) for index, vector, _ in rows])

    def photos_of(self, content: int) -> list[str]:
        """Return the paths of the existing files with a content."""
        statement = f"SELECT folder, name, {PHOTO_IS_SOUND} FROM photos WHERE content = ? AND missing_since IS NULL"
        rows = self.rows(f"{statement} ORDER BY folder, name", [content])
        if not all(sound for _, _, sound in rows):
            raise self.unsound()
        return [os.path.join(os.fsdecode(folder), os.fsdecode(name)) for folder, name, _ in rows]

    def unsound(self) -> PhotoIndexError:
        """Return the error for entries that an update mends."""
        return PhotoIndexError(
            f"{self.path}: entries of the index are damaged; mend it: seetell index FOLDER, with any folder of photos"
        )

    def contents(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[int, str | None]]:
        """Return the id of each known content, and the reason if it has no vector."""
        marks = ",".join("?" * len(hashes))
        rows = self.rows(f"SELECT hash, id, failure FROM contents WHERE hash IN ({marks})", hashes)
        return {content: (index, failure) for content, index, failure in rows}

    def _ids_and_vectors(self, rows: Sequence[tuple[Any, ...]], *, check: bool = True) -> tuple[np.ndarray, np.ndarray]:
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        size = VECTOR.itemsize * (self.get_metadata("dimensions") or 0)
        if not all(isinstance(vector, bytes) and len(vector) == size for _, vector in rows):
            raise self.unsound()
        vectors = np.frombuffer(b"".join(vector for _, vector in rows), VECTOR).astype(np.float32)
        vectors = vectors.reshape(len(rows), -1)
        if check and not have_unit_length(vectors).all():
            raise self.unsound()
        return np.array([index for index, _ in rows], np.int64), vectors


def _connect(path: Path, mode: str, timeout: float = TIMEOUT) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    database = sqlite3.connect(address, timeout, isolation_level=None, uri=True)
    add_checksums(database)
    return database


def _writable(folder: Path) -> bool:
    file = folder / FILE
    return os.access(folder, os.W_OK) and (not file.exists() or os.access(file, os.W_OK))
