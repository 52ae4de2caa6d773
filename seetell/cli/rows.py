"""A line of output for each photo: readable text, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping
from enum import Enum
from typing import Any

from seetell.errors import PhotoError
from seetell.results import Caption

NO_FILES: Mapping[str, str] = {}
COLUMNS = ("image", "caption", "logprob", "error")


class Format(str, Enum):
    """How results are written."""

    text = "text"
    jsonl = "jsonl"
    csv = "csv"


def row_of(image: str, result: Caption | PhotoError, files: Mapping[str, str] = NO_FILES) -> dict[str, Any]:
    """Return what programs are told of a photo.

    Args:
        image: the photo as the user named it.
        result: what came of it.
        files: paths of files written for it, by their kind: ``page``, which shows where its words came from, and
            ``sidecar``.

    Returns:
        :meth:`seetell.Caption.to_row` and the files; or ``image`` and ``error``.
    """
    if isinstance(result, PhotoError):
        return {"image": image, "error": str(result).removeprefix(f"{image}: ")}
    return {**result.to_row(image), **files}


class Rows:
    """Writes results to standard output in the order they come, each at once.

    Args:
        output_format: ``text`` writes ``IMAGE<TAB>CAPTION``, and photos that failed to standard error; ``jsonl`` an
            object a line, see :func:`row_of`; ``csv`` the columns ``image``, ``caption``, ``logprob``, ``error``.
    """

    def __init__(self, output_format: Format) -> None:
        self._format = output_format
        take_any_name(utf8=output_format is not Format.text)
        self._table = csv.writer(sys.stdout, lineterminator="\n")
        if output_format is Format.csv:
            self._table.writerow(COLUMNS)

    def write(self, image: str, result: Caption | PhotoError, files: Mapping[str, str] = NO_FILES) -> None:
        """Write the row of one photo, see :func:`row_of`."""
        row = row_of(image, result, files)
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
