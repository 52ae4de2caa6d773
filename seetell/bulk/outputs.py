"""Where rows go: what a file of rows and a folder of them have in common. Each is resumed by what is in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seetell.bulk.formats import JsonLines
from seetell.bulk.items import Item
from seetell.bulk.ledger import Ledger
from seetell.bulk.row_log import Row, RowLog, write_rows
from seetell.bulk.settings import Settings
from seetell.errors import SeetellError, UsageError
from seetell.file_lock import FileLock, LockedError
from seetell.tasks.registry import Task


@dataclass(frozen=True)
class Beside:
    """The files that lie beside rows.

    Attributes:
        settings: what the rows were made with.
        failures: the rows of items that failed; only where there are some.
        lock: while a process writes.
        log: rows that are not yet in a file of their format.
    """

    settings: Path
    failures: Path
    lock: Path
    log: Path

    @classmethod
    def file(cls, path: Path) -> Beside:
        """Return those of a file."""
        return cls(
            settings=path.with_name(f"{path.name}.seetell"),
            failures=path.with_name(f"{path.name}.failures.jsonl"),
            lock=path.with_name(f"{path.name}.lock"),
            log=path if path.suffix == JsonLines.ending else path.with_name(f"{path.name}.rows.jsonl"),
        )

    @classmethod
    def folder(cls, path: Path, part: str) -> Beside:
        """Return those in a folder, whose names programs that read folders of rows leave out.

        Args:
            path: the folder.
            part: added to the names of what is a process's own.
        """
        return cls(
            settings=path / "_settings.json",
            failures=path / f"_failures{part}.jsonl",
            lock=path / f"_lock{part}",
            log=path / f"_rows{part}.jsonl",
        )


@dataclass(frozen=True)
class Summary:
    """What an output has when a run is done.

    Attributes:
        rows: all of them.
        failed: the rows of items that failed, in this run or before.
        failures: the file that lists those.
    """

    rows: int
    failed: int
    failures: Path


class Output(ABC):
    """Rows on disk, one for each item; a context manager, which only one process has at a time.

    What was written stays, whatever ends the process. Items that have a row are not pending; with
    :meth:`finish` the rows are in the order of the input, and those of items that it no longer has stay where they are.

    Args:
        path: the file or folder.
        beside: the files beside it.
        settings: what the rows are made with.
        task: whose results they are.
        retry: drop the rows of items that failed, so that they are pending.

    Raises:
        UsageError: it has rows that were made with something else, or that no such run made.
        SeetellError: another process is writing it.
        DataError: a file is damaged.
        OSError: it cannot be written.
    """

    def __init__(self, path: Path, beside: Beside, settings: Settings, task: Task, *, retry: bool = False) -> None:
        self.path = path
        self.failed = 0
        self.ledger = Ledger()
        self._beside, self._settings, self._task, self._begun = beside, settings, task, False
        self._log, self._failures = RowLog(beside.log), RowLog(beside.failures)
        try:
            self._lock = FileLock(beside.lock)
        except LockedError as error:
            raise SeetellError(
                f"{path}: another seetell is writing it; run again when it is done, or name another output"
            ) from error
        try:
            self._check_settings()
            if retry:
                self._drop_failed()
            self._take_stock()
        except BaseException:
            self.close()
            raise

    def _check_settings(self) -> None:
        if self._has_rows():
            if not self._beside.settings.exists():
                raise UsageError(
                    f"{self.path}: exists, and no run that can be resumed wrote it ({self._beside.settings.name} is "
                    "missing); name another output"
                )
            self._settings.check(Settings.read(self._beside.settings), self._task, self.path)

    def _begin(self) -> None:
        """Note the settings before the first row; a run that fails before leaves nothing behind."""
        if not self._begun:
            self._check_settings()  # another process may have begun with another part of a folder
            if not self._has_rows():
                self._settings.write(self._beside.settings)
            self._begun = True

    def _take_stock(self) -> None:
        """Note which items have a row, and renew the list of those that failed."""
        if self._has_rows():
            write_rows(self._beside.failures, (row for row in self._noted(self._stored()) if "error" in row))
        if not self.failed:
            self._beside.failures.unlink(missing_ok=True)

    def _noted(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if self.ledger.add_row(Item.of(row, self._task.text_input)):
                self.failed += "error" in row
                yield row

    def count(self, items: Iterable[Item]) -> tuple[int, int]:
        """Return how many items there are, and how many are pending; see :meth:`Ledger.count`."""
        return self.ledger.count(items)

    def pending(self, items: Iterable[Item]) -> Iterator[tuple[int, Item]]:
        """Yield the position and the item of each that has no row."""
        return self.ledger.pending(items)

    def write(self, position: int, row: Mapping[str, Any]) -> None:
        """Write a row; positions may come in any order.

        Args:
            position: of the item in the input.
            row: see :func:`seetell.results.row`.

        Raises:
            OSError: it cannot be written; the rows before are.
        """
        self._begin()
        self._append(row)
        self.ledger.written(position)
        if "error" in row:
            self.failed += 1
            self._failures.append(row)

    def finish(self) -> Summary:
        """Put the rows in order and the files in place; called when no item is pending."""
        self._begin()
        self._finish()
        return Summary(self.ledger.rows, self.failed, self._beside.failures)

    def close(self) -> None:
        """Close the files, and let other processes write."""
        try:
            with suppress(OSError):
                self._log.close()
            self._failures.close()
        finally:
            self._lock.release()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _position(self, row: Row) -> int | None:
        return self.ledger.position(Item.of(row, self._task.text_input))

    @abstractmethod
    def _has_rows(self) -> bool:
        """Return whether there is a file that may have rows."""

    @abstractmethod
    def _drop_failed(self) -> None:
        """Drop the rows of items that failed."""

    @abstractmethod
    def _stored(self) -> Iterator[Row]:
        """Mend what a killed process left, and yield the rows, each with at least image, text and error."""

    @abstractmethod
    def _append(self, row: Mapping[str, Any]) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...


def has_result(row: Row) -> bool:
    """Return whether a row is not that of an item that failed."""
    return "error" not in row
