"""Read the region descriptions of Visual Genome (Krishna et al. 2017): boxes on photos, with a phrase for each.

``region_descriptions.json`` is ``[{"id", "regions": [{"region_id", "x", "y", "width", "height", "phrase"}]}]``. Beside
it may be ``image_data.json``, ``[{"image_id", "width", "height"}]``, and DenseCap's ``densecap_splits.json``,
``{"train": [id], "val": [id], "test": [id]}``. A photo is ``ID.jpg``, in ``VG_100K``, ``VG_100K_2`` or another nearby
folder. ``x`` and ``y`` are the distances of the box's left and upper edge from those of the photo, in pixels of the
size in ``image_data.json``, and are scaled to the photo's file. Of more than five million boxes a few thousand have no
area or extend beyond their photo.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seetell.data.assembly import divide, encodable, has_words, nothing_left
from seetell.data.json_fields import id_of, objects_in
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, Problem, ProblemKind, RegionDataset, RegionPhoto, RegionRecord
from seetell.data.source import Source, read_json
from seetell.errors import DataError, PhotoError
from seetell.geometry.boxes import Box
from seetell.photos import photo_size

TITLE = "Visual Genome regions"

_REGIONS, _SIZES, _SPLITS = "region_descriptions.json", "image_data.json", "densecap_splits.json"
_FEWEST_PIXELS = 1
"""A box with a shorter side after clipping to its photo is skipped."""
_MAX_COORDINATE = 1e9
_NUMBERS = {int, float}


def matches(path: Path) -> bool:
    """Return whether a folder has region descriptions, or a file begins with them."""
    if path.is_dir():
        return (path / _REGIONS).is_file()
    try:
        first = next(objects_in(path), None)
    except DataError:
        return False
    return first is not None and isinstance(first.get("regions"), list)


def read(source: Source) -> CaptionDataset:
    """Read the phrases of a photo's regions as its captions.

    Raises:
        DataError: see ``read_visual_genome``.
    """
    return read_visual_genome(source).captions()


def read_visual_genome(source: Source) -> RegionDataset:
    """Read the regions.

    Only the headers of the photo files are read.

    Raises:
        DataError: there are no region descriptions, a file has another format, or no usable photo is left.
    """
    file = source.path / _REGIONS if source.path.is_dir() else source.path
    problems: list[Problem] = []
    photos = _Photos(source, _stated_sizes(source.folder / _SIZES, problems), problems)
    regions = _Regions(problems)
    found: dict[str, tuple[int | str, Path, tuple[int, int], tuple[RegionRecord, ...]]] = {}
    for index, item in enumerate(objects_in(file)):
        number = id_of(item, "id", "image_id")
        rows = item.get("regions")
        where = f"{file.name}: photo {index if number is None else number}"
        if number is None or not encodable(str(number)) or not isinstance(rows, list):
            message = "expected an object with an 'id' and a list of 'regions'; skipped"
            problems.append(Problem("malformed", f"{file.name}[{index}]", message))
            continue
        if str(number) in found:
            problems.append(Problem("duplicate-id", where, f"duplicate id {number!r}; the first was kept"))
            continue
        opened = photos.find(number, where)
        if opened is None:
            continue
        path, stated, size = opened
        described = regions.parse(rows, where, stated, size)
        if described:
            found[str(number)] = number, path, size, described
        else:
            problems.append(Problem("photo-without-caption", where, "has no usable region; skipped"))
    if not found:
        raise nothing_left(
            source, problems, photos.folders, f"read as {TITLE}", "photo with a region", missing=photos.missing
        )
    return _with_splits(source, list(found.values()), problems)


def _with_splits(
    source: Source,
    found: list[tuple[int | str, Path, tuple[int, int], tuple[RegionRecord, ...]]],
    problems: list[Problem],
) -> RegionDataset:
    notes = [f"{sum(len(regions) for *_, regions in found):,} regions, whose phrases describe them, not whole photos"]
    ids = [number for number, *_ in found]
    stated = _stated_splits(source.folder / _SPLITS, ids, problems)
    splits, single_split = divide(source, ids, [stated.get(str(number)) for number in ids], notes)
    photos = []
    for (number, path, size, regions), split in zip(found, splits, strict=True):
        if split is None:
            problems.append(Problem("no-split", path.name, f"photo {number}: in no split, though others are; skipped"))
        else:
            photos.append(RegionPhoto(number, path, size, regions, split))
    return RegionDataset(
        "visual-genome", source.path, tuple(photos), tuple(problems), tuple(notes), single_split, format=TITLE
    )


class _Photos:
    """Finds the photos and their sizes.

    Args:
        source: the data set.
        stated: stated width and height of each photo by its id.
        problems: list that problems are appended to.
    """

    def __init__(self, source: Source, stated: Mapping[str, tuple[int, int]], problems: list[Problem]) -> None:
        self.folders = PhotoFolders(near_folders(source.folder, source.photos))
        self.missing = 0
        self._required = source.require_photos
        self._stated = stated
        self._problems = problems

    def find(self, number: int | str, where: str) -> tuple[Path, tuple[int, int], tuple[int, int]] | None:
        """Return a photo's file, the stated size and the file's size, or report why it cannot be used."""
        name = f"{number}.jpg"
        path = self.folders.find(name)
        stated = self._stated.get(str(number))
        if path is not None:
            try:
                size = photo_size(path)
            except PhotoError as error:
                self._problems.append(Problem("unreadable-photo", str(path), str(error)))
                return None
            return path, stated or size, size
        if self._required:
            self.missing += 1
            self._problems.append(Problem("missing-photo", where, f"{name}: no such file; skipped"))
            return None
        if stated is None:
            message = f"{name}: no such file, and no size in {_SIZES}; skipped"
            self._problems.append(Problem("missing-annotation", where, message))
            return None
        return self.folders.folders[0] / name, stated, stated


class _Regions:
    """Parses regions; equal phrases and numbers share memory.

    Args:
        problems: list that problems are appended to.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._phrases: dict[str, tuple[str, ...]] = {}
        self._edges: dict[float, float] = {}

    def parse(
        self, rows: list[Any], where: str, stated: tuple[int, int], size: tuple[int, int]
    ) -> tuple[RegionRecord, ...]:
        """Return the usable regions of a photo."""
        across, down = size[0] / stated[0], size[1] / stated[1]
        once = self._edges.setdefault
        kept = []
        for index, row in enumerate(rows):
            try:
                phrases = self._phrases_of(row)
                (left, top, right, bottom), cut = _box(row, stated)
            except _UnusableError as error:
                kind, message = error.args
                self._list(kind, f"{message}; skipped", where, row, index)
                continue
            if cut:
                self._list("box-outside-photo", f"{cut}; clipped", where, row, index)
            x0, y0, x1, y1 = [once(edge, edge) for edge in (left * across, top * down, right * across, bottom * down)]
            kept.append(RegionRecord((x0, y0, x1, y1), phrases))
        return tuple(kept)

    def _phrases_of(self, row: Any) -> tuple[str, ...]:
        phrase = row.get("phrase") if isinstance(row, dict) else None
        if not isinstance(phrase, str):
            raise _UnusableError("malformed", "expected an object with a 'phrase'")
        if phrase not in self._phrases:
            plain = " ".join(phrase.split())
            self._phrases[phrase] = (plain,) if encodable(plain) and has_words(plain) else ()
        known = self._phrases[phrase]
        if not known:
            raise _UnusableError("empty-caption", f"{phrase!r} has no words")
        return known

    def _list(self, kind: ProblemKind, message: str, where: str, row: Any, index: int) -> None:
        number = id_of(row, "region_id", "id")
        self._problems.append(Problem(kind, f"{where}, region {f'[{index}]' if number is None else number}", message))


class _UnusableError(Exception):
    """The kind of a region's problem and its message."""


def _box(row: dict[str, Any], stated: tuple[int, int]) -> tuple[Box, str]:
    """Return a region's box in pixels of the stated size, clipped to the photo, and a message if it was clipped."""
    given: list[Any] = [row.get("x"), row.get("y"), row.get("width"), row.get("height")]
    if not set(map(type, given)) <= _NUMBERS or not all(-_MAX_COORDINATE < value < _MAX_COORDINATE for value in given):
        raise _UnusableError("malformed", f"expected x, y, width and height as numbers, got {given}")
    x, y, width, height = map(float, given)
    if width <= 0 or height <= 0:
        raise _UnusableError("box-without-area", f"the box is {width:g} wide and {height:g} high")
    box = x, y, x + width, y + height
    if x >= 0 and y >= 0 and box[2] <= stated[0] and box[3] <= stated[1]:
        return box, ""
    cut = max(x, 0.0), max(y, 0.0), min(box[2], float(stated[0])), min(box[3], float(stated[1]))
    wrong = f"the box of {width:g}×{height:g} at {x:g}, {y:g} extends beyond the photo of {stated[0]}×{stated[1]}"
    if cut[2] - cut[0] < _FEWEST_PIXELS or cut[3] - cut[1] < _FEWEST_PIXELS:
        raise _UnusableError("box-outside-photo", wrong)
    return cut, wrong


def _stated_sizes(file: Path, problems: list[Problem]) -> dict[str, tuple[int, int]]:
    """Read the photos' sizes where they are stated."""
    sizes: dict[str, tuple[int, int]] = {}
    for index, item in enumerate(objects_in(file)) if file.is_file() else ():
        number, width, height = id_of(item, "image_id", "id"), item.get("width"), item.get("height")
        if number is not None and type(width) is int and type(height) is int and min(width, height) > 0:
            sizes[str(number)] = width, height
        else:
            message = "expected an object with 'image_id', 'width' and 'height'; skipped"
            problems.append(Problem("malformed", f"{file.name}[{index}]", message))
    return sizes


def _stated_splits(file: Path, ids: list[int | str], problems: list[Problem]) -> dict[str, str]:
    """Read DenseCap's splits if present; a photo in two splits is kept in the one for evaluation."""
    if not file.is_file():
        return {}
    document = read_json(file)
    if not isinstance(document, dict) or not any(isinstance(document.get(name), list) for name in ("train", "val")):
        raise DataError(f"{file}: expected an object with lists of ids called train, val and test; fix or remove it")
    known = set(map(str, ids))
    splits: dict[str, str] = {}
    for split in ("test", "val", "train"):
        listed = document.get(split)
        for number in map(str, listed if isinstance(listed, list) else []):
            where = f"{file.name}: {split}"
            if number not in known:
                problems.append(Problem("unknown-in-split", where, f"photo {number}: has no usable region; skipped"))
            elif splits.setdefault(number, split) != split:
                message = f"photo {number}: listed for {split} and for {splits[number]}; kept in {splits[number]}"
                problems.append(Problem("two-splits", where, message))
    return splits
