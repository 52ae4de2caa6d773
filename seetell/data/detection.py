"""Detect the format of a file or folder from its content."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from seetell.data import coco, entities, flickr, karpathy, neuraltalk2, snippets, table, visual_genome
from seetell.data.json_fields import described
from seetell.data.source import Source, read_text
from seetell.errors import DataError

_EXPECTED = (
    "expected a Flickr8k/30k folder (a token file), COCO captions (captions_*.json), a Karpathy split JSON, "
    "neuraltalk2's raw JSON, Flickr30k Entities (Annotations and Sentences), Visual Genome (region_descriptions.json), "
    "or a .csv, .tsv or .jsonl table with the columns image and caption"
)


def detect(source: Source) -> tuple[str, Source]:
    """Find the format.

    Returns:
        The format's name, and the source with its path narrowed to the file to read if there is one.

    Raises:
        DataError: no format matches, or several files of a folder do.
    """
    return _format_of_folder(source) if source.path.is_dir() else (_format_of_file(source), source)


def _format_of_file(source: Source) -> str:
    if source.path.suffix.lower() == ".json":
        return _format_of_json(source)
    text, _ = read_text(source.path)
    if snippets.looks_like(text):
        return "snippets"
    return "flickr" if flickr.looks_like(text) else "table"


def _format_of_json(source: Source) -> str:
    if visual_genome.matches(source.path):
        return "visual-genome"
    try:
        document = source.document
    except DataError:
        if _starts_with_json_line(source.path):
            return "table"
        raise
    name = _json_format(document)
    if name is None:
        raise DataError(f"{source.path}: {_EXPECTED}, but it is {described(document)}")
    return name


def _json_format(document: Any) -> str | None:
    readers = {"karpathy": karpathy.matches, "coco": coco.matches, "neuraltalk2": neuraltalk2.matches}
    return next((name for name, matches in readers.items() if matches(document)), None)


def _starts_with_json_line(path: Path) -> bool:
    """Return whether a ``.json`` file contains one object per line rather than one document."""
    try:
        return isinstance(json.loads(read_text(path)[0].partition("\n")[0]), dict)
    except (ValueError, RecursionError, DataError):
        return False


def _format_of_folder(source: Source) -> tuple[str, Source]:
    if flickr.token_files(source.path):
        return "flickr", source
    if coco.caption_files(source.path):
        return "coco", source
    if entities.matches(source.path):
        return "entities", source
    if visual_genome.matches(source.path):
        return "visual-genome", source
    found: list[tuple[str, Source]] = []
    for path in sorted(source.path.glob("*.json")):
        candidate = replace(source, path=path)
        try:
            name = _json_format(candidate.document)
        except DataError:
            continue
        if name is not None:
            found.append((name, candidate))
    if len(found) > 1:
        listed = ", ".join(f"{candidate.path.name} ({name})" for name, candidate in found)
        raise DataError(f"{source.path}: expected one captions file, but there are {listed}; give the intended one")
    if found:
        return found[0]
    if table.table_files(source.path):
        return "table", source
    names = sorted(path.name for path in source.path.iterdir())
    held = ", ".join(names[:6]) + (", …" if len(names) > 6 else "") if names else "nothing"
    raise DataError(
        f"{source.path}: {_EXPECTED}, but the folder contains {held}; write a captions.csv, or give the file"
    )
