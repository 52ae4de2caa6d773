"""CSV, such that no spreadsheet takes text for a formula and reading gives the cells back.

Who names a photo ``=HYPERLINK(…).jpg`` would otherwise have a formula run when a table of captions is opened.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import TextIO, TypeVar

Value = TypeVar("Value")

_FORMULA = re.compile(r"'*(\s*[=+\-@＝＋－＠]|[\t\r\n])")
"""The beginning of a formula, in signs of full width too, perhaps with apostrophes before it."""
_LINE_END = "\r\n"


def defuse(value: Value) -> Value | str:
    """Return what to write into a cell: text that begins a formula gets an apostrophe, numbers stay."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def restore(cell: str) -> str:
    """Return the text of which :func:`defuse` made a cell."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


class CsvWriter:
    """Writes lines of CSV that end in a line feed, at once.

    Unlike the standard library's writer before Python 3.13, it quotes text with a carriage return, which readers would
    take for the end of the line.

    Args:
        file: opened with ``newline=""``, or a stream.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines = csv.writer(self, lineterminator=_LINE_END)

    def write(self, line: str) -> None:
        """Write a line of the standard library's writer, which quotes the signs of its line's end."""
        self._file.write(line.removesuffix(_LINE_END) + "\n")

    def row(self, cells: Sequence[object]) -> None:
        """Write a line."""
        self._lines.writerow(cells)

    def rows(self, rows: Iterable[Sequence[object]]) -> None:
        """Write lines."""
        self._lines.writerows(rows)
