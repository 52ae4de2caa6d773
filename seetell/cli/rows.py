"""A line of output for each photo: readable text, JSON lines or CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from enum import Enum
from typing import Any

from seetell.errors import PhotoError
from seetell.results import Caption

COLUMNS = ("image", "caption", "logprob", "error")


class Format(str, Enum):
    """How results are written."""

    text = "text"
    jsonl = "jsonl"
    csv = "csv"


def row_of(image: str, result: Caption | PhotoError) -> dict[str, Any]:
    """Return what programs are told of a photo.

    Returns:
        ``image``, ``caption``, ``logprob``, ``words`` and ``model``; or ``image`` and ``error``. A log-probability of
        minus infinity, which JSON does not know, is ``None``.
    """
    if isinstance(result, PhotoError):
        return {"image": image, "error": str(result).removeprefix(f"{image}: ")}
    words = [{**word.to_dict(), "logprob": _number(word.logprob)} for word in result.words]
    return {
        "image": image,
        "caption": result.text,
        "logprob": _number(result.logprob),
        "words": words,
        "model": result.model,
    }


class Rows:
    """Writes results to standard output in the order they come, each at once.

    Args:
        output_format: ``text`` writes ``IMAGE<TAB>CAPTION``, and photos that failed to standard error; ``jsonl`` an
            object a line, see :func:`row_of`; ``csv`` the columns ``image``, ``caption``, ``logprob``, ``error``.
    """

    def __init__(self, output_format: Format) -> None:
        self._format = output_format
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # no file name may stop the run; data is UTF-8 in any locale
                encoding = stream.encoding if output_format is Format.text else "utf-8"
                stream.reconfigure(encoding=encoding, errors="backslashreplace")
        self._table = csv.writer(sys.stdout, lineterminator="\n")
        if output_format is Format.csv:
            self._table.writerow(COLUMNS)

    def write(self, image: str, result: Caption | PhotoError) -> None:
        """Write the row of one photo."""
        row = row_of(image, result)
        if self._format is Format.jsonl:
            sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
        elif self._format is Format.csv:
            self._table.writerow([row.get(column) for column in COLUMNS])
        elif "error" in row:
            sys.stderr.write(f"{_printable(image)}: {_printable(row['error'])}\n")
        else:
            sys.stdout.write(f"{_printable(image)}\t{_printable(row['caption'])}\n")
        sys.stdout.flush()


def _number(logprob: float) -> float | None:
    return round(logprob, 6) if math.isfinite(logprob) else None


def _printable(text: str) -> str:
    """Escape line breaks and what a terminal would obey; undecodable bytes are left to the stream."""
    return "".join(
        letter if letter.isprintable() or "\udc80" <= letter <= "\udcff" else letter.encode("unicode_escape").decode()
        for letter in text
    )
