"""Read captions from a file, such as those edited in a report and saved."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from seetell.data.delimited import find_delimiter, rows
from seetell.data.source import decode_text, numbered_lines
from seetell.errors import DataError, UsageError
from seetell.regular_file import open_regular
from seetell.results import Caption

_COLUMNS = frozenset({"image", "caption"})
_OPENED = (Path("/dev/fd"), Path("/proc/self/fd"))
"""Where a process has its open files by number."""

_STANDARD_INPUT, _DEVICE = Path("-"), Path("/dev/stdin")


def read_captions(*paths: Path, listed: Iterable[bytes] = ()) -> dict[str, Caption]:
    """Read tables with the columns ``image`` and ``caption``, or JSON lines with these fields.

    Args:
        paths: CSV, TSV, CSV with semicolons, or JSON lines; may be a shell's ``<(…)``, or ``-`` for standard input.
            Image paths are relative to the working folder.
        listed: the lines that ``-`` reads.

    Returns:
        Captions by the real paths of their images. A caption without text is a veto, somebody cleared it, unless it has
        a ``reason``: the model withheld it, and another row counts instead. Rows with an error are skipped.

    Raises:
        UsageError: a file cannot be read or has neither format, or two rows say different things of one image.
    """
    captions: dict[str, tuple[Caption, str]] = {}
    for path in dict.fromkeys(paths):
        text = _read(path, listed)
        rows = _json_rows(path, text) if text.lstrip().startswith(("{", "[")) else _table_rows(path, text)
        for line, row in rows:
            image = row.get("image")
            if not isinstance(image, str) or not image or "caption" not in row or row.get("error"):
                continue
            caption, where = _caption(row, image, path), f"{path}:{line}"
            first, where_first = captions.setdefault(photo := os.path.realpath(image), (caption, where))
            if first.reason and not caption.reason:
                captions[photo] = caption, where
            elif not caption.reason and caption.text != first.text:
                raise UsageError(
                    f"{where}: {image} has {_said(caption)} here and {_said(first)} at {where_first}; "
                    "leave one of the two rows out"
                )
    return {photo: caption for photo, (caption, _) in captions.items()}


def _said(caption: Caption) -> str:
    return f"the caption {caption.text!r:.80}" if caption.text else "no caption"


def _caption(row: Mapping[str, Any], image: str, path: Path) -> Caption:
    if "\0" in image:
        raise UsageError(f"{path}: expected the path of an image, got {image!r:.80}")
    for field in ("caption", "reason"):
        if not isinstance(row.get(field), str | None):
            raise UsageError(f"{path}: expected text as the {field} of {image}, got {row[field]!r:.80}")
    text = str(row["caption"] or "").strip()
    return Caption(text, (), float("nan"), path.name, reason="" if text else str(row.get("reason") or ""))


def _read(path: Path, listed: Iterable[bytes]) -> str:
    try:
        raw = b"".join(listed) if path == _STANDARD_INPUT else _content(path)
    except OSError as error:
        raise UsageError(f"{path}: captions cannot be read ({error.strerror})") from error
    try:
        text, problems = decode_text(path, raw)
    except DataError as error:
        raise UsageError(str(error)) from error
    if problems:
        raise UsageError(f"{problems[0].where}: expected UTF-8; save the file as UTF-8")
    return text


def _content(path: Path) -> bytes:
    # a shell's <(…) is a pipe that is open already; for one with a name, nobody may ever write to it
    with open(path, "rb") if path == _DEVICE or path.parent in _OPENED else open_regular(path) as file:
        return file.read()


def _json_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in numbered_lines(text):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else error
            raise UsageError(f"{path}:{number}: is not JSON ({reason}); expected one object per line") from error
        if not isinstance(row, dict):
            raise UsageError(f'{path}:{number}: expected an object such as {{"image": "dog.jpg", "caption": "a dog"}}')
        yield number, row


def _table_rows(path: Path, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    delimiter = find_delimiter(text, accepts=lambda cells: _COLUMNS.issubset(map(str.lower, cells)))
    found = rows(text, delimiter)
    header = next(found, None)
    columns = [cell.lower() for cell in header.cells] if header else []
    if not _COLUMNS.issubset(columns):
        given = ", ".join(header.cells) if header else "an empty file"
        raise UsageError(f"{path}: expected the columns image and caption, got {given}")
    for row in found:
        if row.error is not None:
            raise UsageError(f"{path}:{row.line}: {row.error}")
        cells, surplus = row.cells[: len(columns)], row.cells[len(columns) :]
        if any(surplus):
            raise UsageError(
                f"{path}:{row.line}: {len(row.cells)} cells under {len(columns)} columns; "
                f"put captions that contain {delimiter!r} in double quotes"
            )
        yield row.line, dict(zip_longest(columns, cells, fillvalue=""))  # spreadsheets leave out the last empty cells
