"""Read the official layout of Flickr8k and Flickr30k: a token file, split lists and a folder of photos.

A token file has one caption per line, ``NAME.jpg#K<TAB>caption``; a split list has one photo name per line, with or
without ``.jpg``. A missing list is not an error (Flickr30k has none, and a test list may be withheld); without any list
the photos are assigned to splits by the seed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePath
from typing import NamedTuple

from seetell.data.assembly import Entry, assemble, uncaptioned
from seetell.data.photo_folders import PhotoFolders, near_folders
from seetell.data.records import CaptionDataset, Problem
from seetell.data.source import Source, numbered_lines, read_text
from seetell.errors import DataError

NAME = "flickr"
TITLE = "Flickr8k/30k token file"

_LINE = re.compile(r"(?P<name>[^\t]*\S)\s*#\s*(?P<number>\d+)[^\S\t]*\t(?P<caption>.*)")
_TOKEN_FILES = ("*.token.txt", "*.token")
_LISTS = {
    "train": ("*.trainImages.txt", "*train_images.txt", "*_train.txt", "train.txt"),
    "val": (
        "*.devImages.txt",
        "*.valImages.txt",
        "*dev_images.txt",
        "*val_images.txt",
        "*_val.txt",
        "val.txt",
        "dev.txt",
    ),
    "test": ("*.testImages.txt", "*test_images.txt", "*_test.txt", "test.txt"),
}


def token_files(folder: Path) -> list[Path]:
    """List the files of a folder and its subfolders that are named like token files.

    The lemmatised captions of Flickr8k (``.lemma.token.txt``) are ignored.
    """
    parents = (folder, *sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))
    for parent in parents:
        named = {path for pattern in _TOKEN_FILES for path in parent.glob(pattern) if path.is_file()}
        found = sorted(path for path in named if ".lemma" not in path.name)
        if found:
            return found
    return []


def looks_like(text: str) -> bool:
    """Return whether a file that starts with ``text`` is a token file."""
    return any(_LINE.match(line) is not None for _, line in islice(numbered_lines(text), 5))


class Token(NamedTuple):
    """A line of a token file: its number, the caption's number, and the caption."""

    line: int
    number: int
    caption: str


def parse_tokens(text: str, file: str) -> tuple[dict[str, list[Token]], list[Problem]]:
    """Parse a token file.

    Args:
        text: content of the file.
        file: its name, for messages.

    Returns:
        The lines of each photo name in file order, and a problem for each line that is not ``NAME#K<TAB>caption``.
    """
    tokens: dict[str, list[Token]] = {}
    problems = []
    for number, line in numbered_lines(text):
        match = _LINE.fullmatch(line)
        if match is None:
            message = f"expected NAME.jpg#K, a tab and a caption, but the line is {_shortened(line)}; skipped"
            problems.append(Problem("malformed", f"{file}:{number}", message))
            continue
        name = match["name"].strip()
        tokens.setdefault(name, []).append(Token(number, int(match["number"][:9]), match["caption"]))
    return tokens, problems


def read(source: Source) -> CaptionDataset:
    """Read a folder with the official layout, or its token file.

    Raises:
        DataError: there is no token file, there are several, or no line has this format.
    """
    tokens = _token_file(source)
    text, problems = read_text(tokens)
    captions, malformed = parse_tokens(text, tokens.name)
    problems += malformed
    if not captions:
        raise DataError(
            f"{tokens}: expected a {TITLE} with lines NAME.jpg#K, a tab and a caption, but no line is one; "
            "check that this is the intended file"
        )
    folders = PhotoFolders(near_folders(source.folder, source.photos))
    written = {PurePath(name).stem: name for name in captions} | {name: name for name in captions}
    splits = listed_splits((tokens.parent, source.folder), written, problems)
    entries = []
    for name, numbered in captions.items():
        places = tuple(f"{tokens.name}:{token.line}" for token in numbered)
        where = places[0]
        for number, count in Counter(token.number for token in numbered).items():
            if count > 1:
                message = f"{name}#{number} occurs {count} times; all captions kept"
                problems.append(Problem("duplicate-id", where, message))
        base = re.sub(r"\.\d+$", "", name)
        if base != name and folders.find(name) is None:
            message = (
                f"{name} is not the name of a photo ({base} with a number); its {len(numbered)} captions were skipped"
            )
            problems.append(Problem("caption-without-photo", where, message))
            continue
        texts = tuple(token.caption for token in numbered)
        entries.append(Entry(name, name, texts, splits.get(name), where, places))
    if source.require_photos:
        problems += uncaptioned(folders, [entry.file for entry in entries])
    stem = tokens.name.partition(".")[0]
    name = "flickr30k" if stem == "results_20130124" else stem.lower()
    return assemble(source, entries, problems, folders, name=name, format_name=TITLE)


def _token_file(source: Source) -> Path:
    """Return the token file that ``source`` is or contains."""
    if source.path.is_file():
        return source.path
    found = token_files(source.path)
    if not found:
        raise DataError(
            f"{source.path}: expected a {TITLE} such as Flickr8k.token.txt or results_20130124.token in this folder or "
            "one below it, but there is none; give the file itself if it has another name"
        )
    if len(found) > 1:
        listed = ", ".join(path.name for path in found)
        raise DataError(f"{source.path}: expected one token file, but there are {listed}; give the intended one")
    return found[0]


def listed_splits(folders: Sequence[Path], written: Mapping[str, str], problems: list[Problem]) -> dict[str, str]:
    """Read the split lists; a photo in two lists is kept in the one for evaluation, so it is not trained on.

    Args:
        folders: the first of these with lists of a split is used for it.
        written: photos by all spellings of their names.
        problems: list that problems are appended to.

    Returns:
        The split of each listed photo.
    """
    splits: dict[str, str] = {}
    for split in ("test", "val", "train"):
        for path in _lists(folders, split):
            text, broken = read_text(path)
            problems += broken
            for number, line in numbered_lines(text):
                listed, where = line.strip(), f"{path.name}:{number}"
                name = written.get(listed)
                if name is None:
                    message = f"{listed}: no photo of that name has captions; skipped"
                    problems.append(Problem("unknown-in-split", where, message))
                elif splits.setdefault(name, split) != split:
                    message = f"{name}: listed for {split} and for {splits[name]}; kept in {splits[name]}"
                    problems.append(Problem("two-splits", where, message))
    return splits


def _lists(folders: Sequence[Path], split: str) -> list[Path]:
    """Return the lists of a split in the first folder that has any."""
    for folder in folders:
        found = sorted({path for pattern in _LISTS[split] for path in folder.glob(pattern) if path.is_file()})
        if found:
            return found
    return []


def _shortened(line: str) -> str:
    return repr(line if len(line) <= 60 else line[:57] + "...")
