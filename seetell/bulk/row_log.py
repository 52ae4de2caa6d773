"""A file of rows, one JSON object a line, that is only appended to: whatever ends the process, what was written stays.

Of a last line that a killed process or a full disk left unfinished, nothing is kept. Nothing else in the file is ever
changed, except by a new file that replaces it whole.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any

from seetell.atomic_write import atomic_file
from seetell.errors import DataError
from seetell.regular_file import open_regular

SYNC_SECONDS = 10.0
"""Longest time for which rows are only in the operating system's memory, which a power cut empties."""

Row = dict[str, Any]


def line_of(row: Mapping[str, Any]) -> bytes:
    """Return a row as a line; undecodable bytes of a file's name become escapes that reading turns back."""
    return (json.dumps(row, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a new file of rows, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    with atomic_file(path, durable=True) as file:
        for row in rows:
            file.write(line_of(row))


class RowLog:
    """A file of rows.

    Args:
        path: the file; created by the first row where there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: FileIO | None = None
        self._size = 0
        self._synced = time.monotonic()

    def read(self) -> Iterator[Row]:
        """Yield the rows from the first to the last whole one.

        Raises:
            DataError: another line than the last is no row.
        """
        return (row for _, row in self._lines())

    def recover(self) -> Iterator[Row]:
        """Yield the rows, then cut off a last line that is not whole.

        Raises:
            DataError: another line is no row.
            OSError: the file cannot be written.
        """
        end = 0
        for line_end, row in self._lines():
            end = line_end
            yield row
        if self.path.exists() and self.path.stat().st_size > end:
            os.truncate(self.path, end)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row; it is in the file when this returns, whatever ends the process then.

        Raises:
            OSError: it cannot be written; the file ends with the row before.
        """
        if self._file is None:
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
            self._size = self._file.tell()
        rest = memoryview(line_of(row))
        size = self._size + len(rest)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self.sync()
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(self._size)
            error.filename = os.fspath(self.path)
            raise
        self._size = size

    def sync(self) -> None:
        """Wait until all rows are on the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Close the file; the next row opens it again."""
        if self._file is not None:
            self.sync()
            self._file.close()
            self._file = None

    def keep(self, wanted: Callable[[Row], bool]) -> None:
        """Drop the rows that are not wanted, by a new file that replaces this one; nothing is done if all are."""
        self.close()
        if not all(map(wanted, self.read())):
            write_rows(self.path, (row for row in self.read() if wanted(row)))

    def put_in_order(self, position: Callable[[Row], int | None]) -> None:
        """Sort the rows, by a new file that replaces this one; nothing is done if they are in order.

        Memory takes 16 bytes a row, and the rows stay on the disk.

        Args:
            position: of a row; one that has none stays behind the row that it is behind.
        """
        import numpy as np

        self.close()
        begins, positions = array("q"), array("q")
        begin, last = 0, -1
        for end, row in self._lines():
            found = position(row)
            last = last if found is None else found
            begins.append(begin)
            positions.append(last)
            begin = end
        order = np.argsort(np.frombuffer(positions, np.int64), kind="stable") if positions else np.zeros(0, np.int64)
        if (order[:-1] <= order[1:]).all():
            return
        with open_regular(self.path) as file, atomic_file(self.path) as ordered:
            expected = 0
            for row_number in order:
                begin = begins[int(row_number)]
                if begin != expected:
                    file.seek(begin)
                line = file.readline()
                ordered.write(line)
                expected = begin + len(line)

    def _lines(self) -> Iterator[tuple[int, Row]]:
        """Yield where each whole line ends, and its row."""
        if not self.path.exists():
            return
        end = 0
        with open_regular(self.path) as file:
            for number, line in enumerate(file, 1):
                row = _row(line)
                if row is None:
                    if file.read(1):
                        raise DataError(
                            f"{self.path}, line {number}: expected a JSON object with image; mend or remove the line"
                        )
                    return
                end += len(line)
                yield end, row


def _row(line: bytes) -> Row | None:
    """Return the row of a line, or ``None`` if it is not whole."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get("image"), str) else None
