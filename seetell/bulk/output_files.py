"""Outputs that are one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seetell.bulk.formats import Format
from seetell.bulk.outputs import Beside, Output, has_result
from seetell.bulk.row_log import Row, write_rows
from seetell.bulk.settings import Settings
from seetell.tasks.registry import Task


class RowFile(Output):
    """A file of JSON lines, to which rows are appended as they come."""

    def __init__(self, path: Path, settings: Settings, task: Task, *, retry: bool = False) -> None:
        super().__init__(path, Beside.file(path), settings, task, retry=retry)

    def _has_rows(self) -> bool:
        return _any(self.path)

    def _drop_failed(self) -> None:
        self._log.keep(has_result)

    def _stored(self) -> Iterator[Row]:
        return self._log.recover()

    def _append(self, row: Mapping[str, Any]) -> None:
        self._log.append(row)

    def _finish(self) -> None:
        self.path.touch()  # there may be no items
        if not self.ledger.in_order:
            self._log.put_in_order(self._position)


class TableFile(Output):
    """A file in a format that cannot be appended to: rows go to a log beside it, of which it is made at the end."""

    def __init__(self, path: Path, format: Format, settings: Settings, task: Task, *, retry: bool = False) -> None:
        self._format = format
        super().__init__(path, Beside.file(path), settings, task, retry=retry)

    def _has_rows(self) -> bool:
        return _any(self.path) or _any(self._log.path)

    def _drop_failed(self) -> None:
        if self._has_rows():
            self._to_log()
            self._log.keep(has_result)

    def _stored(self) -> Iterator[Row]:
        if self._log.path.exists() or not self.path.exists():
            return self._log.recover()
        return self._format.read(self.path, only_names=True)

    def _append(self, row: Mapping[str, Any]) -> None:
        self._to_log()
        self._log.append(row)

    def _finish(self) -> None:
        if not self.ledger.in_order:
            self._to_log()
            self._log.put_in_order(self._position)
        if self._log.path.exists() or not self.path.exists():
            self._log.close()
            self._format.write(self.path, self._log.read())
            self._log.path.unlink(missing_ok=True)

    def _to_log(self) -> None:
        """Have all rows in the log; where there is one, they are."""
        if not self._log.path.exists() and _any(self.path):
            write_rows(self._log.path, self._format.read(self.path))


def _any(path: Path) -> bool:
    """Return whether a file has anything."""
    return path.exists() and path.stat().st_size > 0
