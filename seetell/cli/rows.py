"""Predictions on standard output: readable text, JSON lines or CSV."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from typing import Any

from seetell.bulk.csv_rows import COLUMNS, cells, items_of
from seetell.cli.command import Format
from seetell.csv_cells import CsvWriter


class Rows:
    """Writes results in the order they come, each at once.

    Args:
        output_format: ``text`` writes tab-separated lines, and to standard error images without a result, or in which
            nothing was found; ``counts`` a line per image with the number of regions of each text; ``jsonl`` one object
            per line, see :func:`seetell.results.row`; ``csv`` the columns of :data:`seetell.bulk.csv_rows.COLUMNS`, one
            line per caption, region, label or mask, with an apostrophe before text that would be a formula.
        shape: of the results: ``text``, ``regions``, ``labels`` or ``masks``.
    """

    def __init__(self, output_format: Format, shape: str) -> None:
        self._format = output_format
        self._shape = shape
        allow_undecodable_names(utf8=output_format not in (Format.text, Format.counts))
        self._table = CsvWriter(sys.stdout)
        if output_format is Format.csv:
            self._table.row(COLUMNS[shape])

    def write(self, row: Mapping[str, Any]) -> None:
        """Write the row of one image.

        Args:
            row: ``image`` and the fields of a result; with a ``reason`` why it is withheld, if it is; or ``image`` and
                ``error``.
        """
        if self._format is Format.jsonl:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        elif self._format is Format.csv:
            items = [row] if "error" in row else items_of(row, self._shape)
            self._table.rows(cells(item, COLUMNS[self._shape]) for item in items)
        elif "error" in row or "reason" in row:
            why = row["error"] if "error" in row else f"withheld: {row['reason']}"
            sys.stderr.write(f"{printable(row['image'])}: {printable(why)}\n")
        elif self._format is Format.counts:
            from seetell.language.counts import counted

            found = counted(item["text"] for item in row[self._shape])
            sys.stdout.write(f"{printable(row['image'])}\t{printable(found) or 'nothing'}\n")
        else:
            image, items = printable(row["image"]), list(items_of(row, self._shape))
            if not items:
                sys.stderr.write(f"{image}: nothing was found\n")
            sys.stdout.writelines(f"{image}\t{self._text(item)}\n" for item in items)
        sys.stdout.flush()

    def _text(self, item: Mapping[str, Any]) -> str:
        if self._shape == "text":
            return "\t".join(printable(item[field]) for field in ("caption", "keywords") if item.get(field))
        box = f"\t{' '.join(f'{edge:.0f}' for edge in item['box'])}" if "box" in item else ""
        share = f"\t{item['share']:.0%}" if "share" in item else ""
        return f"{printable(item['text'])}{share}\t{item['score']:.2f}{box}"


def allow_undecodable_names(*, utf8: bool = False) -> None:
    """Make standard output and error take any file name, so that none stops a run.

    Args:
        utf8: write UTF-8 whatever the locale, as data is.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8" if utf8 else stream.encoding, errors="backslashreplace")


def printable(text: str) -> str:
    """Escape line breaks and what a terminal would obey; undecodable bytes are left to the stream."""
    return "".join(
        letter if letter.isprintable() or "\udc80" <= letter <= "\udcff" else letter.encode("unicode_escape").decode()
        for letter in text
    )
