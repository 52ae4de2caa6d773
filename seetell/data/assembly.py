"""Assemble a data set from what a reader parsed: checks common to all formats, and splits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seetell.data.photo_folders import PhotoFolders
from seetell.data.records import CaptionDataset, PhotoRecord, Problem, printable
from seetell.data.source import Source
from seetell.data.splits import FEWEST_TO_DIVIDE, assign_splits
from seetell.errors import DataError
from seetell.language.tokenizer import tokenize

_PLAIN_WORD = re.compile(r"(?:^| )[A-Za-z]{2,}(?: |$)")


@dataclass(frozen=True)
class Entry:
    """A photo of a data set before any checks.

    Attributes:
        id: its id in the data set.
        file: its file's name or path as written in the data set.
        captions: the captions, possibly none or blank.
        split: ``train``, ``val``, ``test``, or ``None`` if not stated.
        where: the file and line, or the photo, for messages.
        places: the same of each caption, where captions have places of their own.
    """

    id: int | str
    file: str
    captions: tuple[str, ...]
    split: str | None
    where: str
    places: tuple[str, ...] = ()


def assemble(
    source: Source,
    entries: Iterable[Entry],
    problems: Sequence[Problem],
    folders: PhotoFolders,
    *,
    name: str,
    format_name: str,
    notes: Sequence[str] = (),
) -> CaptionDataset:
    """Keep usable photos, report the others, and assign splits.

    Skipped are photos with a duplicate id or file, a missing file, or no caption; and captions without a word, unless
    the source keeps them. Captions repeated for a photo are noted and kept.

    Args:
        source: the source that was read.
        entries: the parsed photos, in the order of the source.
        problems: problems found by the reader.
        folders: folders of the photos.
        name: name of the data set.
        format_name: name of the format in messages.
        notes: remarks of the reader.

    Raises:
        DataError: no usable photo is left.
    """
    found = list(problems)
    repeated: list[str] = []
    usable: list[tuple[Entry, Path, tuple[str, ...]]] = []
    ids: set[str] = set()
    paths: dict[Path, Entry] = {}
    missing = 0
    for entry in entries:
        if str(entry.id) in ids:
            found.append(Problem("duplicate-id", entry.where, f"duplicate id {entry.id!r}; the first was kept"))
            continue
        ids.add(str(entry.id))
        if not (encodable(str(entry.id)) and encodable(entry.file)):
            found.append(Problem("malformed", entry.where, f"{entry.file}: not valid Unicode; skipped"))
            continue
        captions = _clean_captions(entry, found, repeated, keep_wordless=source.keep_wordless)
        if not captions:
            found.append(Problem("photo-without-caption", entry.where, f"{entry.file}: no caption; skipped"))
            continue
        path = folders.find(entry.file)
        if path is None:
            if source.require_photos:
                missing += 1
                found.append(Problem("missing-photo", entry.where, f"{entry.file}: no such file; skipped"))
                continue
            path = folders.folders[0] / entry.file
        first = paths.setdefault(path, entry)
        if first is not entry:
            message = f"{entry.file}: the same file as {first.id!r} ({first.where}); the first was kept"
            found.append(Problem("duplicate-photo", entry.where, message))
            continue
        usable.append((entry, path, captions))
    if not usable:
        raise nothing_left(source, found, folders, f"read as {format_name}", "photo with a caption", missing=missing)
    noted = [*notes, *([_repetitions(repeated)] if repeated else [])]
    return replace(_with_splits(source, usable, found, noted, name), format=format_name)


def uncaptioned(folders: PhotoFolders, files: Sequence[str]) -> list[Problem]:
    """Report the photos in the folders of the captioned ones that have no caption.

    Args:
        folders: folders of the photos.
        files: names of the captioned photos, whose folders are searched.
    """
    found = [path for path in map(folders.find, files) if path is not None]
    known = set(found)
    return [
        Problem("photo-without-caption", str(parent / name), f"{name}: no caption names this photo; skipped")
        for parent in dict.fromkeys(path.parent for path in found)
        for name in folders.names(parent)
        if parent / name not in known
    ]


def _clean_captions(
    entry: Entry, problems: list[Problem], repeated: list[str], *, keep_wordless: bool
) -> tuple[str, ...]:
    """Return the captions that have words, or all of them; report those without, and list where others are repeated."""
    kept: list[str] = []
    places = entry.places or (entry.where,) * len(entry.captions)
    for number, (caption, where) in enumerate(zip(entry.captions, places, strict=True), 1):
        text = caption.strip()
        if not encodable(text):
            problems.append(
                Problem("malformed", where, f"{entry.file}: caption {number} is not valid Unicode; skipped")
            )
        elif not has_words(text):
            done = "kept" if keep_wordless else "skipped"
            message = f"{entry.file}: caption {number} {text!r} has no words; {done}"
            problems.append(Problem("empty-caption", where, message))
            if keep_wordless:
                kept.append(text)
        else:
            if text in kept:
                repeated.append(where)
            kept.append(text)
    return tuple(kept)


def _repetitions(places: Sequence[str]) -> str:
    if len(places) == 1:
        return f"a caption repeats another of its photo: {places[0]}; kept"
    return f"{len(places):,} captions repeat another of their photo, the first {places[0]}; kept"


def has_words(caption: str) -> bool:
    """Return whether a caption has a word; only one without a plain word between spaces is tokenised."""
    return _PLAIN_WORD.search(caption) is not None or bool(tokenize(caption))


def encodable(text: str) -> bool:
    """Return whether a text has no lone surrogates, which JSON can contain but UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_splits(
    source: Source,
    usable: list[tuple[Entry, Path, tuple[str, ...]]],
    problems: list[Problem],
    notes: list[str],
    name: str,
) -> CaptionDataset:
    """Make records of the photos that have a split, and report the others."""
    splits, single_split = divide(
        source, [entry.id for entry, _, _ in usable], [entry.split for entry, _, _ in usable], notes
    )
    photos = []
    for (entry, path, captions), split in zip(usable, splits, strict=True):
        if split is None:
            message = f"{entry.file}: in no split, though others are; skipped"
            problems.append(Problem("no-split", entry.where, message))
        else:
            photos.append(PhotoRecord(entry.id, path, captions, split))
    parents = Counter(photo.path.parent for photo in photos)
    if len(parents) > 1:
        listed = ", ".join(f"{parent} ({count})" for parent, count in parents.most_common(5))
        notes.append(f"photos come from {len(parents)} folders: {listed}")
    return CaptionDataset(
        printable(name), source.path, tuple(photos), tuple(problems), tuple(map(printable, notes)), single_split
    )


def divide(
    source: Source, ids: Sequence[int | str], stated: Sequence[str | None], notes: list[str]
) -> tuple[Sequence[str | None], bool]:
    """Return every photo's stated split, or assign all of them by the seed if none is stated.

    Args:
        source: the source that was read, with the options for the assignment.
        ids: ids of the photos.
        stated: the stated split of each.
        notes: list that remarks are appended to.

    Returns:
        The splits, ``None`` for a photo without one if others have one, and whether the photos are too few to split.
    """
    known = [split or source.split for split in stated]
    if any(known):
        return known, False
    splits = assign_splits(
        ids, seed=source.split_seed, val_fraction=source.val_fraction, test_fraction=source.test_fraction
    )
    single_split = len(ids) < FEWEST_TO_DIVIDE
    if single_split:
        notes.append(
            f"{len(ids)} photos are too few to split (fewer than {FEWEST_TO_DIVIDE}): "
            "all of them serve as train, val and test, so scores only measure overfitting"
        )
    else:
        notes.append(
            f"the data states no splits: assigned by seed {source.split_seed} "
            f"(val {source.val_fraction:g}, test {source.test_fraction:g} of the photos)"
        )
    return splits, single_split


def nothing_left(
    source: Source, problems: Sequence[Problem], folders: PhotoFolders, read_as: str, wanted: str, *, missing: int = 0
) -> DataError:
    """Return the error for a data set without a usable photo.

    Args:
        source: the source that was read.
        problems: problems found in it.
        folders: where photos were looked for.
        read_as: such as ``read as COCO``.
        wanted: what it has not one of, such as ``photo with a caption``.
        missing: how many photos were not found.
    """
    if missing:
        looked = ", ".join(str(folder) for folder in folders.folders[:4])
        more = ", …" if len(folders.folders) > 4 else ""
        example = next(problem for problem in problems if problem.kind == "missing-photo")
        return DataError(
            f"{source.path}: {read_as}, but none of its {missing} photos was found, such as "
            f"{example.message.partition(': ')[0]!r}; looked in {looked}{more}. "
            "Give the folder of the photos (--photos DIR)"
        )
    first = f"; the first problem: {problems[0].where}: {problems[0].message}" if problems else ""
    return DataError(f"{source.path}: {read_as}, but it has no {wanted}{first}")
