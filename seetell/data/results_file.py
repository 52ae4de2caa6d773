"""Read files of generated captions.

Four formats, detected from the content:

- COCO results, also neuraltalk2's ``vis.json``: a JSON list of ``{"image_id": …, "caption": …}``;
- neuraltalk's ``result_struct.json``: ``{"imgblobs": [{"img_path": …, "candidate": {"text": …}}]}``;
- JSON lines, as ``seetell caption --format jsonl`` writes them: ``{"image": …, "caption": …}``, for a photo that
  failed ``{"image": …, "error": …}``, and for one without a caption for another ``reason``, that instead;
- CSV or TSV with the columns ``image``, ``caption`` and optionally ``error`` and ``reason``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from seetell.data.columns import Columns, find_columns
from seetell.data.delimited import find_delimiter, rows
from seetell.data.json_fields import described, id_of
from seetell.data.source import numbered_lines, read_text
from seetell.errors import DataError

EXAMPLES = 3
"""Number of errors of one kind that a message shows."""

_PHOTO_FIELDS = ("image_id", "image", "id", "file_name", "file_path", "filename", "img_path")
_REFERENCES = ({"images", "annotations"}, {"images"}, {"file_path", "captions"})
"""Fields of reference files."""

_EXPECTED = (
    'expected a JSON list of {"image_id": …, "caption": …}, JSON lines of {"image": …, "caption": …}, or CSV with the '
    "columns image,caption"
)


Prediction = TypeVar("Prediction")


@dataclass(frozen=True)
class Results(Generic[Prediction]):
    """The content of a results file.

    Attributes:
        path: the file.
        captions: prediction for each photo, such as a caption, which may be empty, by the photo's id or file name.
        failed: photos with an error in place of a caption, or with the reason why it is withheld.
    """

    path: Path
    captions: dict[int | str, Prediction]
    failed: tuple[int | str, ...] = ()


@dataclass(frozen=True)
class _Row:
    """A row of the file, before any checks."""

    where: str
    photo: Any
    caption: Any
    failure: Any


def read_results(path: str | Path) -> Results[str]:
    """Read a results file.

    Args:
        path: JSON, JSON lines, CSV or TSV.

    Raises:
        DataError: the file cannot be read, has another format or a duplicate photo, or has a row without a photo or
            with a caption that is not text; the message includes their number and the first ones.
    """
    path = Path(path)
    text = results_text(path, expected=_EXPECTED)
    captions: dict[int | str, str] = {}
    failed: list[int | str] = []
    wrong: list[str] = []
    seen: Counter[int | str] = Counter()
    for row in _rows(path, text):
        photo = id_of({"id": row.photo}, "id")
        if photo is None:
            wrong.append(f"{row.where}: expected the photo as a whole number or a name, got {preview(row.photo)}")
            continue
        seen[photo] += 1
        if row.failure:
            failed.append(photo)
        elif not isinstance(row.caption, str):
            wrong.append(f"{row.where}: expected the caption as text, got {preview(row.caption)}")
        elif any("\ud800" <= letter <= "\udfff" for letter in row.caption):
            wrong.append(f"{row.where}: expected the caption in valid Unicode, got {preview(row.caption)}")
        else:
            captions[photo] = row.caption
    refuse_invalid(path, wrong, expected=_EXPECTED)
    twice = [photo for photo, count in seen.items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: {pluralise(twice, 'photo')} named more than once, {examples_of(twice)}; keep one caption each"
        )
    if not seen:
        raise DataError(f"{path}: there is no caption in it; {_EXPECTED}")
    return Results(path, captions, tuple(failed))


def results_text(path: Path, *, expected: str) -> str:
    """Read the text of a results file.

    Args:
        path: the file.
        expected: description of the format, for messages.

    Raises:
        DataError: it cannot be read, is a folder or not valid UTF-8.
    """
    if path.is_dir():
        raise DataError(f"{path}: expected a results file, but it is a folder; {expected}")
    text, broken = read_text(path)
    if broken:
        raise DataError(f"{broken[0].where}: not valid UTF-8; save the results as UTF-8")
    return text


def refuse_invalid(path: Path, errors: Sequence[str], *, expected: str) -> None:
    """Raise a ``DataError`` with the first errors in the rows of a file, if there are any."""
    if errors:
        are = "row is" if len(errors) == 1 else "rows are"
        raise DataError(f"{path}: {len(errors)} {are} not valid; {'; '.join(errors[:EXAMPLES])}; {expected}")


def pluralise(items: Sequence[object], noun: str) -> str:
    """Format the number of items with their noun."""
    return f"{len(items):,} {noun}{'' if len(items) == 1 else 's'}"


def examples_of(items: Sequence[object]) -> str:
    """Format a few items, for a message."""
    listed = ", ".join(repr(item) for item in items[:EXAMPLES])
    return f"such as {listed}" if len(items) > EXAMPLES else listed


def _rows(path: Path, text: str) -> Iterator[_Row]:
    start = text.lstrip()[:1]
    if start not in ("[", "{"):
        return _table_rows(path, text)
    try:
        document = _parsed(text)
    except json.JSONDecodeError as error:
        if start == "{":
            return _line_rows(path, text)
        raise DataError(
            f"{path}:{error.lineno}:{error.colno}: expected JSON, but {error.msg}; check that the file is complete"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected JSON of captions, but {error}; {_EXPECTED}") from error
    if isinstance(document, list):
        return (_object_row(f"{path.name}: [{index}]", item) for index, item in enumerate(document))
    if isinstance(document.get("imgblobs"), list):
        return (_blob_row(f"{path.name}: imgblobs[{index}]", blob) for index, blob in enumerate(document["imgblobs"]))
    return iter([_object_row(f"{path.name}:1", document)])


def _parsed(text: str) -> Any:
    """Parse JSON without duplicate fields.

    Raises:
        ValueError: there is a duplicate field, or the text is not valid JSON.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        (name, times), *_ = Counter(name for name, _ in pairs).most_common(1)
        photo = next((f" of the photo {preview(fields[field])}" for field in _PHOTO_FIELDS if field in fields), "")
        raise ValueError(f"the object{photo} has the field {name!r} {times} times")
    return fields


def _line_rows(path: Path, text: str) -> Iterator[_Row]:
    """Yield the rows of JSON lines."""
    for number, line in numbered_lines(text):
        where = f"{path.name}:{number}"
        try:
            item = _parsed(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: expected a JSON object on the line, but {error}; {_EXPECTED}") from error
        yield _object_row(where, item)


def _object_row(where: str, item: Any) -> _Row:
    if not isinstance(item, dict):
        raise DataError(f"{where}: expected an object with a photo and its caption, got {preview(item)}; {_EXPECTED}")
    if not {"caption", "error"} & item.keys():
        hint = _EXPECTED
        if any(fields <= item.keys() for fields in _REFERENCES):
            hint = "this looks like references: give the results first, then --references FILE"
        raise DataError(f"{where}: expected a 'caption', but it is {described(item)}; {hint}")
    photo = next((item[field] for field in _PHOTO_FIELDS if field in item), None)
    return _Row(where, photo, item.get("caption"), item.get("error") or item.get("reason"))


def _blob_row(where: str, blob: Any) -> _Row:
    """Return the row of a photo in neuraltalk's ``result_struct.json``."""
    candidate = blob.get("candidate") if isinstance(blob, dict) else None
    if not isinstance(candidate, dict):
        raise DataError(f"{where}: expected an object with 'img_path' and 'candidate', got {preview(blob)}")
    return _Row(where, blob.get("img_path", blob.get("imgid")), candidate.get("text"), None)


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
            raise DataError(f"{where}: {problem}; put captions that contain {delimiter!r} in double quotes")
        values = dict(zip(names, row.cells, strict=True))
        failure = values.get("error") or values.get("reason")
        yield _Row(where, values[columns.image], values[columns.captions[0]], failure)


def _columns(names: Sequence[str]) -> Columns | str:
    return find_columns(_photo_named(names))


def _photo_named(names: Sequence[str]) -> list[str]:
    """Rename a column ``image_id`` to ``image`` if there is none."""
    return ["image" if name == "image_id" and "image" not in names else name for name in names]


def preview(value: object) -> str:
    """Format a value for a message, shortened."""
    if value is None:
        return "nothing"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "too deeply nested lists"
    return text if len(text) <= 40 else text[:37] + "..."
