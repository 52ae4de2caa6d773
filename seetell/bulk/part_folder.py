"""Outputs that are folders of numbered files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seetell.bulk.formats import Format
from seetell.bulk.items import Item, Shard
from seetell.bulk.outputs import Beside, Output, has_result
from seetell.bulk.row_log import Row
from seetell.bulk.settings import Settings
from seetell.errors import SeetellError, UsageError
from seetell.file_lock import FileLock, LockedError
from seetell.tasks.registry import Task

ROWS_PER_FILE = 10_000

_LOCK = re.compile(r"_lock(-\d+-of-(?P<count>\d+))?")
_NAME = re.compile(r"part-((?P<number>\d+)-of-(?P<count>\d+)-)?\d{5,}\.\w+$")


class PartFolder(Output):
    """A folder of numbered files, each with a number of rows, in its place whole or not at all.

    Within a file rows are in the order of the input; what is added to the input later comes in further files.

    Args:
        path: the folder; created if absent.
        format: of the files.
        settings: see :class:`Output`.
        task: see :class:`Output`.
        rows_per_file: of each file but the last of a run.
        shard: the part of the input that this process does. Each has files of its own, whose names say so.
        retry: see :class:`Output`.
    """

    def __init__(
        self,
        path: Path,
        format: Format,
        settings: Settings,
        task: Task,
        *,
        rows_per_file: int = ROWS_PER_FILE,
        shard: Shard = Shard(),  # noqa: B008
        retry: bool = False,
    ) -> None:
        self._format, self._rows_per_file, self._shard = format, rows_per_file, shard
        self._of_shard = "" if shard.count == 1 else f"-{shard.number}-of-{shard.count}"
        self._rows_in_log = 0
        own = Beside.folder(path, self._of_shard)
        if path.is_dir() and not own.settings.exists() and any(name[0] not in "._" for name in os.listdir(path)):
            raise UsageError(f"{path}: is a folder of other files; name a new or empty one")
        path.mkdir(exist_ok=True)
        super().__init__(path, own, settings, task, retry=retry)
        try:
            self._check_division()
        except BaseException:
            self.close()
            raise

    def _check_division(self) -> None:
        """Refuse to write while processes that divide the input otherwise do: both would make the same rows."""
        for name in os.listdir(self.path):
            if (found := _LOCK.fullmatch(name)) and int(found["count"] or 1) != self._shard.count:
                try:
                    FileLock(self.path / name).release()  # a killed process left it
                except LockedError as error:
                    part = name.removeprefix("_lock-").replace("-of-", "/") if found["count"] else "all"
                    raise SeetellError(
                        f"{self.path}: another seetell is writing {part} of it; run again when it is done, or divide "
                        "the photos alike with --shard"
                    ) from error

    def _has_rows(self) -> bool:
        return any(_NAME.match(name) or name.startswith("_rows") for name in os.listdir(self.path))

    def _drop_failed(self) -> None:
        self._log.keep(has_result)
        for part in self._parts(own=True):
            if any("error" in row for row in self._format.read(part, only_names=True)):
                kept = any(map(has_result, self._format.read(part, only_names=True)))
                if kept:
                    self._format.write(part, (row for row in self._format.read(part) if has_result(row)))
                else:
                    part.unlink()

    def _stored(self) -> Iterator[Row]:
        for part in self._parts():
            yield from self._format.read(part, only_names=True)
        if self._in_parts():  # the process was killed between making a file of the log and removing it
            self._log.path.unlink()
        for row in self._log.recover():
            self._rows_in_log += 1
            yield row

    def _in_parts(self) -> bool:
        first = next(self._log.read(), None)
        return first is not None and self.ledger.has_row(Item.of(first, self._task.text_input))

    def _append(self, row: Mapping[str, Any]) -> None:
        if self._rows_in_log >= self._rows_per_file:
            self._seal()
        self._log.append(row)
        self._rows_in_log += 1

    def _finish(self) -> None:
        if self._rows_in_log:
            self._seal()

    def _seal(self) -> None:
        """Make the next file of the log."""
        self._log.put_in_order(self._position)
        self._format.write(self._next_part(), self._log.read())
        self._log.path.unlink()
        self._rows_in_log = 0

    def _next_part(self) -> Path:
        last = max((int(part.stem.rpartition("-")[2]) for part in self._parts(own=True)), default=-1)
        return self.path / f"part{self._of_shard}-{last + 1:05d}{self._format.ending}"

    def _parts(self, *, own: bool = False) -> list[Path]:
        """Return the files, in order: all, but for those of other parts of the same division, or only the process's."""
        wanted = []
        for name in sorted(os.listdir(self.path)):
            if found := _NAME.match(name):
                number, count = int(found["number"] or 1), int(found["count"] or 1)
                other = count == self._shard.count and number != self._shard.number
                if not other and (not own or count == self._shard.count):
                    wanted.append(self.path / name)
        return wanted
