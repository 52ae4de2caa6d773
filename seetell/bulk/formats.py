"""The formats of files of rows, by the ending of their name. What a format writes it reads again, to go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from seetell.bulk.row_log import Row, RowLog, write_rows
from seetell.errors import UsageError
from seetell.tasks.registry import Task


class Format(Protocol):
    """A format of rows.

    Attributes:
        ending: of the names of its files.
    """

    ending: ClassVar[str]

    def write(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a new file, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """

    def read(self, path: Path, *, only_names: bool = False) -> Iterator[Row]:
        """Yield the rows of a file, with at least image, text and error if ``only_names`` is set.

        Raises:
            DataError: it is damaged.
        """


@dataclass(frozen=True)
class JsonLines:
    """One JSON object a line, see :func:`seetell.results.row`."""

    ending: ClassVar[str] = ".jsonl"

    def write(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a new file."""
        write_rows(path, rows)

    def read(self, path: Path, *, only_names: bool = False) -> Iterator[Row]:
        """Yield the rows of a file."""
        return RowLog(path).read()


def format_of(ending: str, task: Task) -> Format:
    """Return the format of a file of a task's rows.

    Args:
        ending: of its name, such as ``.jsonl``; empty for that.
        task: what the rows are results of.

    Raises:
        UsageError: there is no such format, or it needs a package that is not installed.
    """
    if ending in ("", JsonLines.ending):
        return JsonLines()
    if ending == ".csv":
        from seetell.bulk.csv_rows import CsvRows

        return CsvRows(task.result, task.text_input)
    if ending == ".parquet":
        from seetell.extras import require

        require("parquet", "a file of Parquet")
        from seetell.bulk.parquet_rows import ParquetRows

        return ParquetRows(task.result, task.text_input)
    raise UsageError(f"expected a name that ends in {', '.join(ENDINGS)}, got one that ends in {ending}")


ENDINGS = (JsonLines.ending, ".csv", ".parquet")
"""Of the formats that there are."""
