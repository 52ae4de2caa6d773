"""Compare folders with the index, without reading a photo."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from seetell.photos.folders import photo_folders
from seetell.photos.formats import SkippedFiles
from seetell.search.moments import is_indexed_name
from seetell.search.store import Store

Key = tuple[bytes, bytes]
"""A photo's folder and name, as bytes."""


@dataclass
class Scan:
    """Differences between folders and the index.

    Attributes:
        pending: photos that are new, or whose size or modification time differs, in the order of the walk.
        unchanged: number of unchanged photos.
        failed_before: number of those that could not be used before.
        back: photos that were missing and are back unchanged.
        missing: indexed photos that no longer exist.
        failures: folders and files that cannot be read, and why; their index entries are kept.
        skipped_files: files in folders that are no photos.
    """

    pending: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed_before: int = 0
    back: list[Key] = field(default_factory=list)
    missing: list[Key] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    skipped_files: SkippedFiles = field(default_factory=SkippedFiles)


@dataclass(frozen=True)
class _Known:
    size: int
    changed: int
    missing: bool
    failed: bool

    def fits(self, status: os.stat_result) -> bool:
        return (self.size, self.changed) == (status.st_size, status.st_mtime_ns)


def key_of(path: str) -> Key:
    """Return a photo's folder and name, its key in the store."""
    folder, name = os.path.split(path)
    return os.fsencode(folder), os.fsencode(name)


def scan(store: Store, roots: Iterable[str], *, retry: bool = False) -> Scan:
    """Compare folders and files with the store, which is not changed.

    Args:
        store: the index.
        roots: folders and files. Their real paths count, so symbolic links give no photo two names.
        retry: treat photos that could not be used before as changed.
    """
    found = Scan()
    visited: set[str] = set()
    for named in dict.fromkeys(roots):
        root = os.path.realpath(named)
        if not os.path.lexists(named):
            found.failures[named] = "there is no such folder or file; its index entries are kept"
        elif os.path.isdir(root):
            _scan_folders(store, root, visited, found, retry)
        else:
            folder, name = os.path.split(root)
            if folder not in visited:
                known = {name: entry for name, entry in _known(store, folder).items() if name == os.path.basename(root)}
                _compare(folder, [name], known, found, retry)
    return found


def _scan_folders(store: Store, root: str, visited: set[str], found: Scan, retry: bool) -> None:
    unreadable: list[str] = []
    for folder, names in photo_folders(root, unreadable.append, found.skipped_files.add, wanted=is_indexed_name):
        if folder not in visited:
            visited.add(folder)
            _compare(folder, names, _known(store, folder), found, retry)
    found.failures.update((folder, "the folder cannot be read") for folder in unreadable)
    for folder in _known_folders(store, root):
        if folder not in visited and not any(_within(folder, kept) for kept in unreadable):
            visited.add(folder)
            _compare(folder, [], _known(store, folder), found, retry)


def _compare(folder: str, names: list[str], known: dict[str, _Known], found: Scan, retry: bool) -> None:
    for name in names:
        path, before = os.path.join(folder, name), known.get(name)
        try:
            status = os.stat(path)
        except FileNotFoundError:
            continue  # gone since the folder was listed, or a link to nothing
        except OSError as error:
            known.pop(name, None)
            found.failures[path] = error.strerror or "cannot be read"
            continue
        known.pop(name, None)
        if not stat.S_ISREG(status.st_mode):
            found.failures[path] = "is a pipe or device; expected a file"
        elif before is None or not before.fits(status) or (before.failed and retry):
            found.pending.append(path)
        else:
            found.unchanged += 1
            found.failed_before += before.failed
            if before.missing:
                found.back.append(key_of(path))
    found.missing += [key_of(os.path.join(folder, name)) for name, entry in known.items() if not entry.missing]


def _known(store: Store, folder: str) -> dict[str, _Known]:
    rows = store.rows(
        "SELECT name, size, changed, missing_since IS NOT NULL, failure IS NOT NULL"
        " FROM photos JOIN contents ON contents.id = content WHERE folder = ?",
        (os.fsencode(folder),),
    )
    return {os.fsdecode(name): _Known(size, changed, bool(m), bool(f)) for name, size, changed, m, f in rows}


def _known_folders(store: Store, root: str) -> Iterator[str]:
    """Yield the folders with indexed photos at a path and below it."""
    within = os.fsencode(os.path.join(root, ""))
    beyond = within[:-1] + bytes([within[-1] + 1])
    rows = store.rows(
        "SELECT DISTINCT folder FROM photos WHERE folder = ? OR (folder >= ? AND folder < ?)",
        (os.fsencode(root), within, beyond),
    )
    yield from (os.fsdecode(folder) for (folder,) in rows)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
