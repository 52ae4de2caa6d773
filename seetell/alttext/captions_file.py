"""Read captions from a file, such as those edited in a report and saved."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seetell.csv_cells import restore
from seetell.errors import UsageError
from seetell.regular_file import open_regular
from seetell.results import Caption


def read_captions(path: Path) -> dict[str, Caption]:
    """Read a table with the columns ``image`` and ``caption``, or JSON lines with these fields.

    Args:
        path: UTF-8 file; image paths are relative to the working folder.

    Returns:
        Captions by the real paths of their images; the last one of a repeated image. A caption without text is a
        veto, somebody cleared it, unless it has a ``reason``: the model withheld it. Rows with an error are skipped.

    Raises:
        UsageError: the file cannot be read or has neither format.
    """
    try:
        with open_regular(path) as file:
            text = file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"{path}: captions cannot be read ({reason})") from error
    rows = _json_rows(path, text) if text.lstrip().startswith(("{", "[")) else _table_rows(path, text)
    captions = {}
    for row in rows:
        image = row.get("image")
        if isinstance(image, str) and image and "caption" in row and not row.get("error"):
            if "\0" in image:
                raise UsageError(f"{path}: expected the path of an image, got {image!r:.80}")
            for field in ("caption", "reason"):
                if not isinstance(row.get(field), str | None):
                    raise UsageError(f"{path}: expected text as the {field} of {image}, got {row[field]!r:.80}")
            captions[os.path.realpath(image)] = _caption(row, path.name)
    return captions


def _caption(row: Mapping[str, Any], file: str) -> Caption:
    text = str(row["caption"] or "").strip()
    return Caption(text, (), float("nan"), file, reason="" if text else str(row.get("reason") or ""))


def _json_rows(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else error
            raise UsageError(f"{path}:{number}: is not JSON ({reason}); expected one object per line") from error
        if not isinstance(row, dict):
            raise UsageError(f'{path}:{number}: expected an object such as {{"image": "dog.jpg", "caption": "a dog"}}')
        yield row


def _table_rows(path: Path, text: str) -> Iterable[Mapping[str, Any]]:
    table = csv.DictReader(io.StringIO(text, newline=""))
    try:
        if not {"image", "caption"} <= set(table.fieldnames or ()):
            raise UsageError(f"{path}: expected the columns image and caption, got {', '.join(table.fieldnames or ())}")
        return [{name: restore(cell) for name, cell in row.items() if isinstance(cell, str)} for row in table]
    except csv.Error as error:
        raise UsageError(f"{path}:{table.line_num}: is not CSV ({error})") from error
