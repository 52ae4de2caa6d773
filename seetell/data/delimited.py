"""Split CSV and TSV text into rows with their line numbers; a broken row does not affect the others."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from seetell.csv_cells import restore

DELIMITERS = (",", ";", "\t", "|")
_LONGEST_CELL = 50


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        line: number of its first line, from 1.
        cells: its stripped cells; empty if the row is broken.
        error: the error of a broken row.
    """

    line: int
    cells: tuple[str, ...]
    error: str | None = None


def find_delimiter(text: str, *, accepts: Callable[[Sequence[str]], bool], likely: str = ",") -> str:
    """Find the character between cells.

    ``csv.Sniffer`` guesses wrongly if captions are full of commas, so a guess only counts if it gives a header that the
    caller accepts.

    Args:
        text: the file's text.
        accepts: returns whether a first row has the needed columns.
        likely: delimiter suggested by the file's name; the result if none gives an acceptable header.
    """
    candidates = [likely]
    with suppress(csv.Error):
        candidates.append(csv.Sniffer().sniff(text[:16384], delimiters="".join(DELIMITERS)).delimiter)
    for delimiter in dict.fromkeys((*candidates, *DELIMITERS)):
        first = next(rows(text, delimiter), None)
        if first is not None and accepts(first.cells):
            return delimiter
    return likely


def rows(text: str, delimiter: str) -> Iterator[Row]:
    """Yield the rows that are not blank.

    A cell in double quotes may contain delimiters, doubled quotes, and line ends, up to 50 lines; an apostrophe
    that keeps a formula from being one is removed. A row that is not
    valid is split without regard to quotes if the delimiter is a tab or bar, and is otherwise broken; reading resumes
    at the next line.

    Args:
        text: text with line feeds as line ends.
        delimiter: the character between cells.
    """
    lines = text.split("\n")
    start = 0
    while start < len(lines):
        if not lines[start].strip():
            start += 1
            continue
        row, used = _row_at(lines, start, delimiter)
        yield row
        start += used


def _row_at(lines: Sequence[str], start: int, delimiter: str) -> tuple[Row, int]:
    """Return the row that starts at a line, and the number of lines it takes."""
    error = ""
    quotes = 0
    for used, line in enumerate(lines[start : start + _LONGEST_CELL], 1):
        quotes += line.count('"')
        if used > 1 and quotes % 2:
            continue
        try:
            return Row(start + 1, _cells("\n".join(lines[start : start + used]), delimiter)), used
        except csv.Error as problem:
            error = error or str(problem)
        if quotes % 2 == 0:
            break
    if delimiter in "\t|":
        return Row(start + 1, tuple(cell.strip() for cell in lines[start].split(delimiter))), 1
    return Row(start + 1, (), f"not a valid row ({error}); write a quote within quotes twice"), 1


def _cells(text: str, delimiter: str) -> tuple[str, ...]:
    lines = [line + "\n" for line in text.split("\n")]
    parsed = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    cells = tuple(restore(cell.strip()) for cell in next(parsed))
    if parsed.line_num != len(lines):
        raise csv.Error("a quote is not closed")
    return cells
