"""Read and write region captions as JSON lines of a photo, a box and its phrase.

A line is ``{"image": "dog.jpg", "box": [x0, y0, x1, y1], "caption": "a black dog", "split": "train"}``, with the box in
pixels of the photo. Lines with the same photo and box are merged. If no line states a split, photos are assigned to
splits, so all regions of a photo are in the same one.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from seetell.data.assembly import has_words, nothing_left
from seetell.data.json_fields import text_of
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, PhotoRecord, Problem, printable
from seetell.data.source import Source, numbered_lines, read_text
from seetell.data.splits import FEWEST_TO_DIVIDE, assign_splits, split_named
from seetell.geometry.boxes import Box

TITLE = "phrases of regions"

_EXPECTED = 'expected an object such as {"image": "dog.jpg", "box": [0, 0, 90, 120], "caption": "a black dog"}'


def looks_like(text: str) -> bool:
    """Return whether the first line of a text is a phrase of a region."""
    first = next((line for _, line in numbered_lines(text)), "")
    try:
        row = json.loads(first) if first.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and {"image", "box"} <= row.keys()


def read(source: Source) -> CaptionDataset:
    """Read phrases of regions; a region's id is its photo's name, ``#`` and its number in that photo from 0.

    Raises:
        DataError: the file cannot be read, or no usable region is left.
    """
    text, problems = read_text(source.path)
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    phrases: dict[tuple[str, Box], list[str]] = {}
    splits: dict[str, str | None] = {}
    for number, line in numbered_lines(text):
        parsed = _parsed(line)
        if isinstance(parsed, str):
            problems.append(Problem("malformed", f"{source.path.name}:{number}", f"{parsed}; skipped"))
            continue
        image, box, caption, split = parsed
        phrases.setdefault((image, box), []).append(caption)
        splits[image] = splits.get(image) or split or source.split
    stated = any(splits.values())
    if not stated:
        shares = {"val_fraction": source.val_fraction, "test_fraction": source.test_fraction}
        splits = dict(zip(splits, assign_splits(list(splits), seed=source.split_seed, **shares), strict=True))
    paths = {image: _path(image, folders, source, problems) for image in splits}
    for image in (image for image, split in splits.items() if split is None):
        problems.append(Problem("no-split", source.path.name, f"{image}: in no split, though others are; skipped"))
    records = []
    numbers = dict.fromkeys(splits, 0)
    for (image, box), captions in phrases.items():
        path, split = paths[image], splits[image]
        if path is not None and split is not None:
            records.append(PhotoRecord(f"{image}#{numbers[image]}", path, tuple(captions), split, box))
            numbers[image] += 1
    if not records:
        raise nothing_left(source, problems, folders, f"read as {TITLE}", "usable region")
    return CaptionDataset(
        printable(source.path.stem),
        source.path,
        tuple(records),
        tuple(problems),
        single_split=not stated and len(splits) < FEWEST_TO_DIVIDE,
        format=TITLE,
    )


def snippet_line(image: str | Path, box: Box, caption: str, *, split: str | None) -> str:
    """Format a phrase of a region as a line for :func:`read`.

    Args:
        image: the photo's path.
        box: ``xyxy`` in pixels of the photo.
        caption: the phrase.
        split: ``train``, ``val`` or ``test``, or ``None`` for a set too small to split.
    """
    row: dict[str, Any] = {"image": str(image), "box": [round(edge, 2) for edge in box], "caption": caption}
    return json.dumps(row | ({} if split is None else {"split": split}), ensure_ascii=False)


def _path(image: str, folders: PhotoFolders, source: Source, problems: list[Problem]) -> Path | None:
    path = folders.find(image)
    if path is None and not source.require_photos:
        return folders.folders[0] / image
    if path is None:
        problems.append(Problem("missing-photo", source.path.name, f"{image}: no such file; skipped"))
    return path


def _parsed(line: str) -> tuple[str, Box, str, str | None] | str:
    """Return photo, box, phrase and split, or the error in the line."""
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not valid JSON ({error})"
    image, caption = text_of(row, "image"), text_of(row, "caption")
    if image is None or caption is None:
        return _EXPECTED
    if not has_words(caption):
        return f"caption {caption!r} has no words"
    box = row.get("box")
    numbers = isinstance(box, list) and all(isinstance(edge, (int, float)) and math.isfinite(edge) for edge in box)
    if not numbers or len(box) != 4 or box[0] >= box[2] or box[1] >= box[3]:
        return f"box {box!r}: expected four numbers [x0, y0, x1, y1] with x0 < x1 and y0 < y1"
    split = text_of(row, "split")
    known = None if split is None else split_named(split)
    if split is not None and known is None:
        return f"split {split!r}: expected train, val or test"
    return image, (float(box[0]), float(box[1]), float(box[2]), float(box[3])), caption, known
