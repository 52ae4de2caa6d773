"""Read neuraltalk2's raw JSON: ``[{"file_path": …, "captions": ["…"], "id"?: …, "split"?: …}]``."""

from __future__ import annotations

from typing import Any

from seetell.data.assembly import Entry, assemble
from seetell.data.json_fields import described, id_of, text_of
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, Problem
from seetell.data.source import Source
from seetell.data.splits import stated_split
from seetell.errors import DataError

TITLE = "neuraltalk2 raw JSON"


def matches(document: Any) -> bool:
    """Return whether a parsed document has this format."""
    if not isinstance(document, list):
        return False
    return any(isinstance(item, dict) and {"file_path", "captions"} <= item.keys() for item in document[:5])


def read(source: Source) -> CaptionDataset:
    """Read the JSON file.

    Raises:
        DataError: the document is not a list of objects with ``file_path`` and ``captions``.
    """
    if not matches(source.document):
        raise DataError(
            f"{source.path}: expected {TITLE}, a list of objects with 'file_path' and 'captions', "
            f"but it is {described(source.document)}; check that this is the intended file"
        )
    problems: list[Problem] = []
    entries = []
    for index, item in enumerate(source.document):
        where = f"[{index}]"
        file = text_of(item, "file_path")
        if file is None:
            problems.append(Problem("malformed", where, "expected an object with a 'file_path'; skipped"))
            continue
        split = stated_split(item, where, problems)
        photo_id = id_of(item, "id")
        captions = _captions(item.get("captions", []), where, problems)
        entries.append(Entry(file if photo_id is None else photo_id, file, captions, split, where))
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    return assemble(source, entries, problems, folders, name=source.path.stem, format_name=TITLE)


def _captions(value: Any, where: str, problems: list[Problem]) -> tuple[str, ...]:
    """Return the strings of a list, or the one string; anything else is a problem."""
    captions = []
    for number, caption in enumerate(value if isinstance(value, list) else [value], 1):
        if isinstance(caption, str):
            captions.append(caption)
        else:
            problems.append(Problem("malformed", where, f"caption {number}: expected a string; skipped"))
    return tuple(captions)
