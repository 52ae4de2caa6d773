"""Read captions that a model said of photos, and find the photos of a data set that they are of.

Three kinds of file, told apart by their content:

- COCO results: a JSON list of ``{"image_id": …, "caption": …}``, one or more lines;
- JSON lines, as ``seetell caption --format jsonl`` writes them: ``{"image": …, "caption": …}``, and for a photo that
  failed ``{"image": …, "error": …}``;
- CSV or TSV with the columns ``image`` and ``caption`` and perhaps ``error``.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from seetell.data.columns import Columns, find_columns
from seetell.data.delimited import find_delimiter, rows
from seetell.data.json_fields import described, id_of
from seetell.data.records import PhotoRecord
from seetell.data.source import numbered_lines, read_json, read_text
from seetell.errors import DataError

_PHOTO_FIELDS = ("image_id", "image", "id", "file_name", "file_path", "filename")
_EXAMPLES = 3
_EXPECTED = (
    'expected a JSON list of {"image_id": …, "caption": …}, JSON lines of {"image": …, "caption": …}, or CSV with the '
    "columns image,caption"
)


@dataclass(frozen=True)
class Results:
    """What a results file says.

    Attributes:
        path: the file.
        captions: the sentence, which may be empty, by the id or file name that stands beside it.
        failed: the photos that the file lists with an error in place of a caption.
    """

    path: Path
    captions: dict[int | str, str]
    failed: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """One row as it stands in the file, before it is known to be right."""

    where: str
    photo: Any
    caption: Any
    error: Any


def read_results(path: str | Path) -> Results:
    """Read a results file.

    Args:
        path: JSON, JSON lines, CSV or TSV.

    Raises:
        DataError: the file cannot be read, is of no known kind, names a photo twice, or has a row without a photo or
            with a caption that is no text; the message counts them and shows the first.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: expected a results file, but it is a folder; {_EXPECTED}")
    text, broken = read_text(path)
    if broken:
        raise DataError(f"{broken[0].where}: not valid UTF-8; save the results as UTF-8")
    captions: dict[int | str, str] = {}
    failed: list[int | str] = []
    wrong: list[str] = []
    seen: Counter[int | str] = Counter()
    for row in _rows(path, text):
        photo = id_of({"id": row.photo}, "id")
        if photo is None:
            wrong.append(f"{row.where}: expected the photo as a whole number or a name, got {_shown(row.photo)}")
            continue
        seen[photo] += 1
        if row.error:
            failed.append(photo)
        elif isinstance(row.caption, str):
            captions[photo] = row.caption
        else:
            wrong.append(f"{row.where}: expected the caption as text, got {_shown(row.caption)}")
    if wrong:
        are = "row is" if len(wrong) == 1 else "rows are"
        raise DataError(f"{path}: {len(wrong)} {are} not right; {'; '.join(wrong[:_EXAMPLES])}; {_EXPECTED}")
    twice = [photo for photo, count in seen.items() if count > 1]
    if twice:
        raise DataError(f"{path}: {_count(twice, 'photo')} named more than once, {_such(twice)}; keep one caption each")
    if not seen:
        raise DataError(f"{path}: there is no caption in it; {_EXPECTED}")
    return Results(path, captions, tuple(failed))


def _rows(path: Path, text: str) -> Iterator[_Row]:
    start = text.lstrip()[:1]
    if start == "[":
        return _list_rows(path)
    if start == "{":
        return _line_rows(path, text)
    return _table_rows(path, text)


def _list_rows(path: Path) -> Iterator[_Row]:
    """Yield the rows of a JSON list."""
    for index, item in enumerate(read_json(path)):
        yield _object_row(f"{path.name}: [{index}]", item)


def _line_rows(path: Path, text: str) -> Iterator[_Row]:
    """Yield the rows of JSON lines."""
    for number, line in numbered_lines(text):
        where = f"{path.name}:{number}"
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: expected a JSON object on the line, but {error}; {_EXPECTED}") from error
        yield _object_row(where, item)


def _object_row(where: str, item: Any) -> _Row:
    if not isinstance(item, dict):
        raise DataError(f"{where}: expected an object with a photo and its caption, got {_shown(item)}; {_EXPECTED}")
    if not {"caption", "error"} & item.keys():
        raise DataError(f"{where}: expected a 'caption', but it is {described(item)}; {_EXPECTED}")
    photo = next((item[field] for field in _PHOTO_FIELDS if field in item), None)
    return _Row(where, photo, item.get("caption"), item.get("error"))


def _table_rows(path: Path, text: str) -> Iterator[_Row]:
    """Yield the rows of CSV or TSV."""
    likely = "\t" if path.suffix.lower() == ".tsv" else ","
    delimiter = find_delimiter(text, accepts=lambda names: isinstance(_columns(names), Columns), likely=likely)
    found = rows(text, delimiter)
    header = next(found, None)
    if header is None:
        raise DataError(f"{path}: the file is empty; {_EXPECTED}")
    columns = _columns(header.cells)
    if not isinstance(columns, Columns):
        raise DataError(f"{path}:{header.line}: {columns}; {_EXPECTED}")
    if len(columns.captions) > 1:
        raise DataError(f"{path}: expected one column of captions, but there are {', '.join(columns.captions)}")
    names = _photo_named(header.cells)
    for row in found:
        where = f"{path.name}:{row.line}"
        if row.error is not None or len(row.cells) != len(names):
            problem = row.error or f"{len(row.cells)} cells under {len(names)} columns"
            raise DataError(f"{where}: {problem}; put captions that hold {delimiter!r} in double quotes")
        values = dict(zip(names, row.cells, strict=True))
        yield _Row(where, values[columns.image], values[columns.captions[0]], values.get("error"))


def _columns(names: Sequence[str]) -> Columns | str:
    return find_columns(_photo_named(names))


def _photo_named(names: Sequence[str]) -> list[str]:
    """Let a column ``image_id`` name the photo where no column ``image`` does."""
    return ["image" if name == "image_id" and "image" not in names else name for name in names]


def match_results(
    results: Results, photos: Sequence[PhotoRecord], *, allow_missing: bool = False
) -> dict[int | str, str]:
    """Find the photo that each caption is of, by the photo's id, its file name, or that without its ending.

    Args:
        results: what the model said.
        photos: the photos it should have been said of.
        allow_missing: accept photos that have no caption.

    Returns:
        The captions by the ids of ``photos``, in their order.

    Raises:
        DataError: a caption is of none of the photos, or of one that has a caption already, or its name fits several;
            or a photo has no caption and ``allow_missing`` does not permit it.
    """
    finder = _Finder(photos)
    found: dict[int | str, str] = {}
    extra, twice, unclear = [], [], []
    for name in (*results.captions, *results.failed):
        fitting = finder.find(name)
        if not fitting:
            extra.append(name)
        elif len(fitting) > 1:
            unclear.append(name)
        elif fitting[0].id in found:
            twice.append(name)
        elif name in results.captions:
            found[fitting[0].id] = results.captions[name]
    missing = [photo for photo in photos if photo.id not in found]
    faults = []
    if extra:
        faults.append(f"{_count(extra, 'caption')} of no photo of the references, {_such(extra)}")
    if unclear:
        faults.append(f"{_count(unclear, 'name')} fitting several photos, {_such(unclear)}; name them by id or path")
    if twice:
        faults.append(f"{_count(twice, 'photo')} captioned again under another name, {_such(twice)}")
    if missing and not allow_missing:
        named = [photo.id for photo in missing]
        faults.append(
            f"{_count(missing, 'photo')} of {len(photos)} without a caption, {_such(named)}; "
            f"{_advice(results, photos, missing)}"
        )
    if faults:
        raise DataError(f"{results.path}: {'. Also '.join(faults)}")
    if not found:
        raise DataError(f"{results.path}: not one of the {len(photos)} photos has a caption in it")
    return {photo.id: found[photo.id] for photo in photos if photo.id in found}


def _advice(results: Results, photos: Sequence[PhotoRecord], missing: Sequence[PhotoRecord]) -> str:
    """Say what to do about photos without a caption."""
    lacking = {photo.id for photo in missing}
    covered = {photo.split for photo in photos if photo.id not in lacking}
    if len(covered) == 1 and covered.isdisjoint(photo.split for photo in missing):
        return f"all others are the split {min(covered)!r}: score against that alone (--split {min(covered)})"
    failed = f" ({len(results.failed)} of them failed)" if results.failed else ""
    return f"caption them{failed} or leave them out (--allow-missing)"


class _Finder:
    """Finds photos by what a results file calls them.

    Args:
        photos: those that can be found.
    """

    def __init__(self, photos: Iterable[PhotoRecord]) -> None:
        self._by_id: dict[str, list[PhotoRecord]] = {}
        self._by_file: dict[str, list[PhotoRecord]] = {}
        self._by_stem: dict[str, list[PhotoRecord]] = {}
        for photo in photos:
            self._by_id.setdefault(_plain(photo.id), []).append(photo)
            self._by_file.setdefault(_plain(photo.path.name), []).append(photo)
            self._by_stem.setdefault(_plain(photo.path.stem), []).append(photo)

    def find(self, name: int | str) -> list[PhotoRecord]:
        """Return the photos that the name fits: none, one, or several that nothing tells apart."""
        plain = _plain(name)
        file = plain.rpartition("/")[2]
        fitting = self._by_id.get(plain) or self._by_file.get(file) or self._by_stem.get(file) or []
        if len(fitting) < 2:
            return fitting
        common = [_common_ending(plain, _plain(photo.path.as_posix())) for photo in fitting]
        return [photo for photo, length in zip(fitting, common, strict=True) if length == max(common)]


def _plain(name: int | str) -> str:
    """Write names alike that differ in Unicode form or in the slashes of another system only."""
    return unicodedata.normalize("NFC", str(name)).replace("\\", "/")


def _common_ending(one: str, other: str) -> int:
    """Return how many parts two paths share at their ends."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _count(items: Sequence[object], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"


def _such(items: Sequence[object]) -> str:
    shown = ", ".join(repr(item) for item in items[:_EXAMPLES])
    return f"such as {shown}" if len(items) > _EXAMPLES else shown


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "nothing" if value is None else text if len(text) <= 40 else text[:37] + "..."
