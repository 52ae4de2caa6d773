"""A line of output for each photo: readable text, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping
from enum import Enum

from seetell import results
from seetell.errors import PhotoError
from seetell.results import Caption

NO_FILES: Mapping[str, str] = {}
COLUMNS = ("image", "caption", "logprob", "error")


class Format(str, Enum):
    """How results are written."""

    text = "text"
    jsonl = "jsonl"
    csv = "csv"


class Rows:
    """Writes results to standard output in the order they come, each at once.

    Args:
        output_format: ``text`` writes ``IMAGE<TAB>CAPTION``, and photos that failed to standard error; ``jsonl`` one
            object per line, see :func:`seetell.results.row`; ``csv`` the columns ``image``, ``caption``, ``logprob``,
            ``error``.
    """

    def __init__(self, output_format: Format) -> None:
        self._format = output_format
        take_any_name(utf8=output_format is not Format.text)
        self._table = csv.writer(sys.stdout, lineterminator="\n")
        if output_format is Format.csv:
            self._table.writerow(COLUMNS)

    def write(self, image: str, result: Caption | PhotoError, files: Mapping[str, str] = NO_FILES) -> None:
        """Write the row of one photo.

        Args:
            image: the photo as the user named it.
            result: its caption, or why there is none.
            files: paths of files written for it, by their kind: ``page``, which shows where its words came from, and
                ``sidecar``.
        """
        row = {**results.row(image, result), **files}
        if self._format is Format.jsonl:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        elif self._format is Format.csv:
            self._table.writerow([row.get(column) for column in COLUMNS])
        elif "error" in row:
            sys.stderr.write(f"{printable(image)}: {printable(row['error'])}\n")
        else:
            sys.stdout.write(f"{printable(image)}\t{printable(row['caption'])}\n")
        sys.stdout.flush()


def take_any_name(*, utf8: bool = False) -> None:
    """Make standard output and error take any file name, so that none stops a run.

    Args:
        utf8: write UTF-8, as data is in any locale.
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
