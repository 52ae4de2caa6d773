"""Read COCO captions, ``captions_train2017.json`` and the like, one file or all those of a folder.

A document is ``{"images": [{"id", "file_name"}], "annotations": [{"id", "image_id", "caption"}]}``. Its split
is stated by the file's name (``captions_val2014.json``) or by the caller.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from seetell.data.assembly import Entry, assemble
from seetell.data.json_fields import described, dicts_in, id_of, text_of
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, Problem
from seetell.data.source import Source
from seetell.data.splits import split_named
from seetell.errors import DataError

TITLE = "COCO captions JSON"


def matches(document: Any) -> bool:
    """Return whether a parsed document has this format."""
    if not isinstance(document, dict) or not isinstance(document.get("images"), list):
        return False
    return any("caption" in annotation for annotation in dicts_in(document, "annotations")[:5])


def caption_files(folder: Path) -> list[Path]:
    """List the files ``captions_*.json`` of a folder or, failing that, of the ``annotations`` folder in it."""
    for parent in (folder, folder / "annotations"):
        found = sorted(path for path in parent.glob("captions_*.json") if path.is_file())
        if found:
            return found
    return []


def split_in_name(name: str) -> str | None:
    """Return the split in a file's name, as in ``captions_val2014.json``, or ``None``."""
    for word in re.split(r"[^a-z]+", name.lower()):
        split = split_named(word)
        if split is not None:
            return split
    return None


def read(source: Source) -> CaptionDataset:
    """Read one captions file, or every ``captions_*.json`` of a folder.

    Raises:
        DataError: there is no such file, or one is not a captions document.
    """
    files = caption_files(source.path) if source.path.is_dir() else [source.path]
    if not files:
        raise DataError(
            f"{source.path}: expected {TITLE} files named captions_*.json in this folder or in its folder "
            "'annotations', but there is none; give the file itself if it has another name"
        )
    problems: list[Problem] = []
    entries: list[Entry] = []
    for path in files:
        document = source.document if path == source.path else replace(source, path=path).document
        if not matches(document):
            raise DataError(
                f"{path}: expected {TITLE}, an object with 'images' and 'annotations' that have a 'caption', but it is "
                f"{described(document)}; the files named instances_… and image_info_… contain no captions"
            )
        entries += _entries(document, path, source, problems)
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    name = files[0].stem if len(files) == 1 else source.path.resolve().name
    return assemble(source, entries, problems, folders, name=name, format_name=TITLE)


def _entries(document: Any, path: Path, source: Source, problems: list[Problem]) -> list[Entry]:
    """Join the annotations of a document to its images."""
    captions = _captions_by_image(document, path, problems)
    split = source.split or split_in_name(path.name)
    entries = []
    known: set[int | str] = set()
    for index, image in enumerate(document["images"]):
        where = f"{path.name}: images[{index}]"
        image_id = id_of(image, "id")
        file = text_of(image, "file_name", "filename")
        if image_id is not None and file is None and not source.require_photos:
            file = str(image_id)
        if image_id is None or file is None:
            problems.append(Problem("malformed", where, "expected an object with 'id' and 'file_name'; skipped"))
            continue
        known.add(image_id)
        texts, places = zip(*captions[image_id], strict=True) if image_id in captions else ((), ())
        entries.append(Entry(image_id, file, texts, split, where, places))
    for image_id, orphans in captions.items():
        if image_id not in known:
            message = f"image_id {image_id!r}: no such image; {len(orphans)} captions skipped"
            problems.append(Problem("caption-without-photo", path.name, message))
    return entries


def _captions_by_image(document: Any, path: Path, problems: list[Problem]) -> dict[int | str, list[tuple[str, str]]]:
    """Return the captions of each image, each with its place."""
    captions: dict[int | str, list[tuple[str, str]]] = {}
    seen: set[int | str] = set()
    for index, annotation in enumerate(document["annotations"]):
        where = f"{path.name}: annotations[{index}]"
        image_id = id_of(annotation, "image_id")
        caption = annotation.get("caption") if isinstance(annotation, dict) else None
        if image_id is None or not isinstance(caption, str):
            problems.append(Problem("malformed", where, "expected an object with 'image_id' and 'caption'; skipped"))
            continue
        annotation_id = id_of(annotation, "id")
        if annotation_id is not None:
            if annotation_id in seen:
                problems.append(Problem("duplicate-id", where, f"duplicate annotation id {annotation_id!r}; kept"))
            seen.add(annotation_id)
        captions.setdefault(image_id, []).append((caption, where))
    return captions
