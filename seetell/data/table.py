"""Read a table of photos and captions: CSV, TSV or JSON lines, or a folder that contains one.

One column names the photo (``image``, ``file``, ``file_name``, ``photo`` …), one or several contain captions
(``caption``, ``text``, ``description``, ``caption_1`` …; in JSON lines also a list), and ``split`` may name the split.
Rows of the same photo are merged. Of several tables in a folder, those named after a split (``train.csv``, ``val.csv``)
are read together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seetell.data.assembly import Entry, assemble, uncaptioned
from seetell.data.coco import split_in_name
from seetell.data.columns import Columns, find_columns
from seetell.data.delimited import find_delimiter, rows
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import SPLITS, CaptionDataset, Problem
from seetell.data.source import Source, numbered_lines, read_text
from seetell.data.splits import split_named
from seetell.errors import DataError

TITLE = "table of photos and captions"

_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
_OTHER_NAMES = frozenset({"captions.txt"})


@dataclass(frozen=True)
class _Line:
    """The content of a row: the photo, the captions, and the split as written."""

    number: int
    file: str
    captions: tuple[str, ...]
    split: str


def table_files(folder: Path) -> list[Path]:
    """List the files of a folder that are named like tables."""
    named = (path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES or path.name in _OTHER_NAMES)
    return sorted(path for path in named if path.is_file() and not path.name.startswith("."))


def read(source: Source) -> CaptionDataset:
    """Read a table, or the tables of a folder.

    Raises:
        DataError: there is no table, several without a split in their names, or one lacks the columns.
    """
    files = _files(source)
    problems: list[Problem] = []
    notes: list[str] = []
    captions: dict[str, list[str]] = {}
    places: dict[str, list[str]] = {}
    wheres: dict[str, str] = {}
    splits: dict[str, str] = {}
    for path in files:
        from_name = split_in_name(path.stem) if len(files) > 1 else None
        for line in _lines(path, problems, notes):
            where = f"{path.name}:{line.number}"
            if not line.file:
                problems.append(Problem("caption-without-photo", where, "the row names no photo; skipped"))
                continue
            captions.setdefault(line.file, []).extend(line.captions)
            places.setdefault(line.file, []).extend([where] * len(line.captions))
            wheres.setdefault(line.file, where)
            split = split_named(line.split) if line.split else from_name
            if line.split and split is None:
                message = f"{line.file}: split {line.split!r}, expected train, val or test; skipped"
                problems.append(Problem("malformed", where, message))
            if split is not None:
                _set_split(splits, line.file, split, where, problems)
    entries = [
        Entry(file, file, tuple(captions[file]), splits.get(file), wheres[file], tuple(places[file]))
        for file in captions
    ]
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    if source.require_photos:
        problems += uncaptioned(folders, list(captions))
    name = (files[0].stem if source.path.is_file() else "") or source.path.resolve().name
    return assemble(source, entries, problems, folders, name=name, format_name=TITLE, notes=notes)


def _set_split(splits: dict[str, str], file: str, split: str, where: str, problems: list[Problem]) -> None:
    """Set a photo's split; of two, the one for evaluation is kept, so the photo is not trained on."""
    before = splits.setdefault(file, split)
    if before != split:
        kept = max(before, split, key=SPLITS.index)
        splits[file] = kept
        problems.append(Problem("two-splits", where, f"{file}: {split} here and {before} before; kept in {kept}"))


def _files(source: Source) -> list[Path]:
    """Return the tables to read."""
    if source.path.is_file():
        return [source.path]
    found = table_files(source.path)
    if not found:
        raise DataError(
            f"{source.path}: expected a .csv, .tsv or .jsonl file with photos and captions in this folder, "
            "but there is none; write one with the columns image and caption"
        )
    if len(found) > 1:
        named = [path for path in found if split_in_name(path.stem) is not None]
        if len({split_in_name(path.stem) for path in named}) != len(named) or not named:
            listed = ", ".join(path.name for path in found)
            raise DataError(f"{source.path}: expected one table, but there are {listed}; give the intended one")
        return named
    return found


def _lines(path: Path, problems: list[Problem], notes: list[str]) -> Iterator[_Line]:
    """Yield the rows of a table, reporting the broken ones."""
    text, broken = read_text(path)
    problems += broken
    if not text.strip():
        raise DataError(f"{path}: expected a {TITLE}, but the file is empty")
    if path.suffix.lower() in {".jsonl", ".ndjson"} or text.lstrip().startswith("{"):
        return _json_lines(path, text, problems, notes)
    return _delimited_lines(path, text, problems, notes)


def _delimited_lines(path: Path, text: str, problems: list[Problem], notes: list[str]) -> Iterator[_Line]:
    likely = "\t" if path.suffix.lower() == ".tsv" else ","
    delimiter = find_delimiter(text, accepts=lambda header: isinstance(find_columns(header), Columns), likely=likely)
    found = rows(text, delimiter)
    header = next(found)
    columns = find_columns(header.cells)
    if not isinstance(columns, Columns):
        raise DataError(f"{path}:{header.line}: {columns}")
    notes += columns.notes()
    width = len(header.cells)
    last = max(header.cells.index(name) for name in columns.captions) == width - 1
    for row in found:
        cells, where = row.cells, f"{path.name}:{row.line}"
        if row.error is not None:
            problems.append(Problem("malformed", where, f"{row.error}; skipped"))
            continue
        if len(cells) > width and any(cells[width:]) and last:
            spaced = delimiter if delimiter in "\t|" else f"{delimiter} "
            cells = (*cells[: width - 1], spaced.join(cells[width - 1 :]))
            message = (
                f"{len(row.cells)} cells under {width} columns; the rest was taken as part of the caption: quote it"
            )
            problems.append(Problem("malformed", where, message))
        elif len(cells) > width and any(cells[width:]):
            message = f"{len(cells)} cells under {width} columns; skipped: put captions with {delimiter!r} in quotes"
            problems.append(Problem("malformed", where, message))
            continue
        elif len(cells) < width and not {columns.image, columns.captions[0]} <= set(header.cells[: len(cells)]):
            message = f"{len(cells)} cells under {width} columns; skipped"
            problems.append(Problem("malformed", where, message))
            continue
        values = dict(zip(header.cells, cells, strict=False))
        texts = tuple(values.get(name, "") for name in columns.captions)
        filled = tuple(text for text in texts if text) if len(texts) > 1 else texts
        split = values.get(columns.split, "") if columns.split is not None else ""
        yield _Line(row.line, values[columns.image], filled, split)


def _json_lines(path: Path, text: str, problems: list[Problem], notes: list[str]) -> Iterator[_Line]:
    names: dict[str, None] = {}
    objects: list[tuple[int, dict[str, object]]] = []
    for number, line in numbered_lines(text):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.append(Problem("malformed", f"{path.name}:{number}", f"not valid JSON ({error}); skipped"))
            continue
        if isinstance(value, dict):
            objects.append((number, value))
            names.update(dict.fromkeys(value))
        else:
            problems.append(Problem("malformed", f"{path.name}:{number}", "expected an object on the line; skipped"))
    if not objects:
        raise DataError(f"{path}: expected a JSON object on each line, but no line is one; see {problems[0].where}")
    columns = find_columns(list(names))
    if not isinstance(columns, Columns):
        raise DataError(f"{path}: {columns}")
    notes += columns.notes()
    for number, value in objects:
        file, split = value.get(columns.image), value.get(columns.split) if columns.split is not None else None
        texts: list[str] = []
        for name in columns.captions:
            given = value.get(name)
            for item in given if isinstance(given, list) else [] if given is None else [given]:
                if isinstance(item, str):
                    texts.append(item)
                else:
                    message = f"{name}: expected a string or a list of strings, got {json.dumps(item)[:60]}; skipped"
                    problems.append(Problem("malformed", f"{path.name}:{number}", message))
        yield _Line(
            number,
            file.strip() if isinstance(file, str) else "",
            tuple(texts),
            split.strip() if isinstance(split, str) else "",
        )
