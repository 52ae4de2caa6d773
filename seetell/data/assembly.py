"""From what a reader parsed to a data set: checks that are the same for every format, then the splits."""

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
    """A photo as a data set names it, before anything was checked.

    Attributes:
        id: what the data set calls it.
        file: its file's name or path as the data set writes it.
        captions: the sentences, possibly none, possibly blank.
        split: ``train``, ``val``, ``test``, or ``None`` where the data states none.
        where: the file and line, or the photo, for messages.
    """

    id: int | str
    file: str
    captions: tuple[str, ...]
    split: str | None
    where: str


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
    """Keep what can be used, list what cannot, and give each photo a split.

    Left out are: photos whose id or file was there before, whose file is missing, or that have no caption with
    a word in it; and captions without a word. Captions repeated for a photo are listed and kept.

    Args:
        source: what was read.
        entries: what the reader parsed, in the source's order.
        problems: what the reader found wrong already.
        folders: where the photos lie.
        name: the data set's name.
        format_name: what the format is called in messages.
        notes: remarks to hand on.

    Raises:
        DataError: no usable photo is left.
    """
    found = list(problems)
    usable: list[tuple[Entry, Path, tuple[str, ...]]] = []
    ids: set[str] = set()
    paths: dict[Path, Entry] = {}
    missing = 0
    for entry in entries:
        if str(entry.id) in ids:
            found.append(Problem("duplicate-id", entry.where, f"id {entry.id!r} was there before; the first was kept"))
            continue
        ids.add(str(entry.id))
        if not (encodable(str(entry.id)) and encodable(entry.file)):
            found.append(Problem("malformed", entry.where, f"{entry.file}: not valid Unicode; left out"))
            continue
        captions = _clean_captions(entry, found)
        if not captions:
            found.append(Problem("photo-without-caption", entry.where, f"{entry.file}: no caption; left out"))
            continue
        path = folders.find(entry.file)
        if path is None:
            if source.require_photos:
                missing += 1
                found.append(Problem("missing-photo", entry.where, f"{entry.file}: no such file; left out"))
                continue
            path = folders.folders[0] / entry.file
        first = paths.setdefault(path, entry)
        if first is not entry:
            message = f"{entry.file}: the same file as {first.id!r} ({first.where}); the first was kept"
            found.append(Problem("duplicate-photo", entry.where, message))
            continue
        usable.append((entry, path, captions))
    if not usable:
        raise DataError(_nothing_left(source, found, missing, folders, format_name))
    return replace(_divided(source, usable, found, list(notes), name), format=format_name)


def uncaptioned(folders: PhotoFolders, files: Sequence[str]) -> list[Problem]:
    """List the photos that lie beside the captioned ones and have no caption themselves.

    Args:
        folders: where the photos lie.
        files: the names of the captioned photos; the folders they are found in are the ones looked at.
    """
    found = [path for path in map(folders.find, files) if path is not None]
    known = set(found)
    return [
        Problem("photo-without-caption", str(parent / name), f"{name}: no caption names this photo; passed over")
        for parent in dict.fromkeys(path.parent for path in found)
        for name in folders.names(parent)
        if parent / name not in known
    ]


def _clean_captions(entry: Entry, problems: list[Problem]) -> tuple[str, ...]:
    """Return the captions that have words, listing the others and the repeated ones."""
    kept: list[str] = []
    for number, caption in enumerate(entry.captions, 1):
        text = caption.strip()
        if not encodable(text):
            problems.append(
                Problem("malformed", entry.where, f"{entry.file}: caption {number} is not valid Unicode; left out")
            )
        elif not has_words(text):
            problems.append(
                Problem("empty-caption", entry.where, f"{entry.file}: caption {number} {text!r} has no words; left out")
            )
        else:
            if text in kept:
                message = f"{entry.file}: caption {number} repeats another, {text!r}; kept"
                problems.append(Problem("repeated-caption", entry.where, message))
            kept.append(text)
    return tuple(kept)


def has_words(caption: str) -> bool:
    """Tell whether a caption has a word; only one without a plain word between blanks goes through the tokenizer."""
    return _PLAIN_WORD.search(caption) is not None or bool(tokenize(caption))


def encodable(text: str) -> bool:
    """Tell whether the text has no lone surrogates, which JSON can write and no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _divided(
    source: Source,
    usable: list[tuple[Entry, Path, tuple[str, ...]]],
    problems: list[Problem],
    notes: list[str],
    name: str,
) -> CaptionDataset:
    """Make records of the photos that have a split, and list the others."""
    splits, single_split = divide(
        source, [entry.id for entry, _, _ in usable], [entry.split for entry, _, _ in usable], notes
    )
    photos = []
    for (entry, path, captions), split in zip(usable, splits, strict=True):
        if split is None:
            message = f"{entry.file}: in no split, though others are; left out"
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
    """Give every photo its stated split, or all of them one by the seed where none is stated.

    Args:
        source: what was read, with the options for the division.
        ids: the photos.
        stated: the split that the data states for each.
        notes: is added to.

    Returns:
        The splits, ``None`` where others have one, and whether the photos are too few to divide.
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
            f"{len(ids)} photos are too few to divide (fewer than {FEWEST_TO_DIVIDE}): "
            "all of them serve as train, val and test, so scores only say how well they were learnt by heart"
        )
    else:
        notes.append(
            f"the data states no splits: divided by seed {source.split_seed} "
            f"(val {source.val_fraction:g}, test {source.test_fraction:g} of the photos)"
        )
    return splits, single_split


def _nothing_left(
    source: Source, problems: list[Problem], missing: int, folders: PhotoFolders, format_name: str
) -> str:
    """Word the error for a data set without one usable photo."""
    if missing:
        looked = ", ".join(str(folder) for folder in folders.folders[:4])
        more = ", …" if len(folders.folders) > 4 else ""
        example = next(problem for problem in problems if problem.kind == "missing-photo")
        return (
            f"{source.path}: read as {format_name}, but none of its {missing} photos with captions was found, such as "
            f"{example.message.partition(': ')[0]!r}; looked in {looked}{more}. Say where the photos are (--photos DIR)"
        )
    first = f"; the first problem: {problems[0].where}: {problems[0].message}" if problems else ""
    return f"{source.path}: read as {format_name}, but it has no photo with a caption{first}"
