"""Rows as CSV: one line per caption, region, label or mask."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from seetell.atomic_write import atomic_file
from seetell.bulk.row_log import Row
from seetell.csv_cells import CsvWriter, defuse, restore
from seetell.errors import DataError

COLUMNS = {
    "text": (
        *("image", "caption", "confidence", "kind", "logprob", "keywords", "written", "written_confidence"),
        *("reason", "error"),
    ),
    "regions": ("image", "text", "score", "left", "top", "right", "bottom", "error"),
    "labels": ("image", "text", "score", "error"),
    "masks": ("image", "text", "score", "share", "left", "top", "right", "bottom", "error"),
}
"""The columns by the shape of results."""

BETWEEN = {"keywords": "; ", "written": "\n", "written_confidence": "; "}
"""What stands between the values of a cell that has several."""

_EDGES = ("left", "top", "right", "bottom")
_NUMBERS = {"confidence", "logprob", "score", "share", *_EDGES}


def items_of(row: Mapping[str, Any], shape: str) -> Iterator[Mapping[str, Any]]:
    """Yield what a row holds, each with the image: its caption, or its regions, labels or masks.

    A box of the row itself is that of its first label.

    Args:
        row: of an image that did not fail, see :func:`seetell.results.row`.
        shape: of its result.
    """
    if shape == "text":
        yield {**row, **{name: sign.join(map(str, row[name])) for name, sign in BETWEEN.items() if name in row}}
        return
    for rank, item in enumerate(row[shape]):
        located = {"box": row["box"], **item} if rank == 0 and "box" in row else item
        edges = dict(zip(_EDGES, located.get("box", ()), strict=False))
        yield {"image": row["image"], **located, **edges}


def cells(item: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    """Return the cells of a line, with an apostrophe before text that would be a formula."""
    return [defuse(item.get(column)) for column in columns]


@dataclass(frozen=True)
class CsvRows:
    """Files of CSV.

    An image without regions, labels or masks has a line without one, and the task's text has a column, so that
    what is done can be told. Words, attention and the pixels of masks are left out.

    Args:
        shape: of the results.
        text_input: name of the text that goes with each image, or empty.
    """

    shape: str
    text_input: str = ""
    ending: ClassVar[str] = ".csv"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        image, *others = COLUMNS[self.shape]
        return (image, *([self.text_input] if self.text_input else []), *others)

    def write(self, path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write a new file; see :class:`seetell.bulk.formats.Format`."""
        with atomic_file(path, durable=True) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
            table = CsvWriter(text)
            table.row(self.columns)
            for row in rows:
                named = {"image": row["image"], self.text_input: row.get(self.text_input)}
                items = [] if "error" in row else list(items_of(row, self.shape))
                table.rows(cells({**item, **named}, self.columns) for item in items or [row])
            text.detach()

    def read(self, path: Path, *, only_names: bool = False) -> Iterator[Row]:
        """Yield the rows of a file, without what the columns do not hold; a spreadsheet may have saved it."""
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            try:
                for _, group in itertools.groupby(self._lines(reader), key=self._named):
                    yield self._row(list(group))
            except (ValueError, csv.Error) as error:
                raise DataError(f"{path}, line {reader.line_num}: {error}; mend it, or name another output") from error

    def _lines(self, reader: Iterator[list[str]]) -> Iterator[dict[str, str]]:
        if tuple(next(reader, ())) != self.columns:
            raise ValueError(f"expected the columns {', '.join(self.columns)}")
        for line in filter(None, reader):
            if len(line) != len(self.columns):
                raise ValueError(f"expected {len(self.columns)} cells, got {len(line)}")
            yield dict(zip(self.columns, line, strict=True))

    def _named(self, line: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(restore(line[column]) for column in ("image", self.text_input) if column)

    def _row(self, lines: Sequence[Mapping[str, str]]) -> Row:
        items = [{column: _value(column, cell) for column, cell in line.items() if cell} for line in lines]
        row = {column: value for column, value in items[0].items() if column in ("image", self.text_input, "error")}
        if "error" in row:
            return row
        if self.shape == "text":
            told = {name: items[0][name].split(sign) for name, sign in BETWEEN.items() if name in items[0]}
            if "written_confidence" in told:
                told["written_confidence"] = [float(each) for each in told["written_confidence"]]
            return {"caption": None, **items[0], **told}
        row[self.shape] = [
            {
                **{column: item[column] for column in ("text", "score", "share") if column in item},
                **({"box": [item[edge] for edge in _EDGES]} if "left" in item else {}),
            }
            for item in items
            if "score" in item
        ]
        return row


def _value(column: str, cell: str) -> Any:
    return float(cell) if column in _NUMBERS else restore(cell)
