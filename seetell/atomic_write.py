"""Files and folders written whole or not at all: a reader finds the old content or the new, never a part.

What is being written lies beside its target under a name that nobody can guess, is locked, and is removed by the next
process that writes into the folder if its own process was killed. ``SIGTERM`` and ``SIGHUP`` remove it at once.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from seetell.errors import NO_ROOM
from seetell.file_lock import try_lock

STALE_SECONDS = 60
"""Age from which an unlocked temporary counts as left behind; a younger one may just not be locked yet."""

NAME, REPLACED = "name", "replaced"
"""In a folder that replaces another: a file with that one's name, and that one, while they change places."""

_PARTIAL = re.compile(r"\..{1,16}-[0-9a-f]{12}\.seetell", re.DOTALL)
_swept: set[Path] = set()
"""Folders that this process has looked through; once is enough, and some have thousands of files."""


@contextmanager
def atomic_file(
    path: Path, *, keep_identity: bool = False, in_place: bool = True, durable: bool = False
) -> Iterator[BinaryIO]:
    """Open a file whose content replaces ``path`` when the block ends, and is dropped when the block fails.

    An existing file keeps its permissions, and its new content is on the disk before the old content goes. A symbolic
    link stays one: the file that it points to is replaced. A device or pipe is written to directly.

    Args:
        path: the file to write; its folder must exist.
        keep_identity: whether an existing file keeps its owner, extended attributes and hard links too. Where that
            needs it, the new content, once on the disk, is copied into the file, and the old one back if that fails.
        in_place: whether it may be copied so. If not, what cannot be kept otherwise is lost: hard links keep the old
            content, and a process that is killed leaves one of the two.
        durable: whether the content of a new file, too, is on the disk before the file is there, which takes a moment:
            for what a later run goes on from, if the power fails.

    Raises:
        OSError: it cannot be written; where nothing can be or the disk is full, ``filename`` is ``path``.
    """
    if path.exists() and not path.is_file():
        with open(path, "wb") as file:
            yield file
        return
    with _unwound_by_signals():
        yield from _replacing(path, keep_identity=keep_identity, in_place=in_place, durable=durable)


def _replacing(path: Path, *, keep_identity: bool, in_place: bool, durable: bool) -> Iterator[BinaryIO]:
    target = path.resolve()
    existing = target.stat() if target.exists() else None
    mode = 0o666 if existing is None else stat.S_IMODE(existing.st_mode)
    partial = _beside(target)
    with _naming(path):
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        copied = False
        try_lock(descriptor)
        with open(descriptor, "wb") as file:
            yield file
            if existing is not None:
                if keep_identity:
                    kept = _take_over(file.fileno(), target, existing) and existing.st_nlink == 1
                    copied = in_place and not kept
                shutil.copymode(target, partial)
            if existing is not None or durable:
                file.flush()
                os.fsync(file.fileno())
        if copied:
            _copy_into(target, partial.read_bytes())
            partial.unlink()
        else:
            os.replace(partial, target)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            error.filename = os.fspath(path)
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def _unwound_by_signals() -> Iterator[None]:
    """Let signals that end this process end the block first, by :class:`SystemExit`, where nobody else handles them."""
    if threading.current_thread() is not threading.main_thread():  # the only one that signals can be handled in
        yield
        return
    import signal

    def end(number: int, frame: object) -> None:
        sys.exit(128 + number)

    ending = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [number for number in ending if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _take_over(descriptor: int, target: Path, existing: os.stat_result) -> bool:
    """Give a new file the owner and the extended attributes of another; return whether that succeeded."""
    try:
        new = os.fstat(descriptor)
        if (new.st_uid, new.st_gid) != (existing.st_uid, existing.st_gid):
            os.fchown(descriptor, existing.st_uid, existing.st_gid)
        for name in os.listxattr(target) if hasattr(os, "listxattr") else ():
            os.setxattr(descriptor, name, os.getxattr(target, name))
    except OSError as error:
        return error.errno == errno.ENOTSUP  # the file system has no extended attributes
    return True


def _copy_into(target: Path, content: bytes) -> None:
    """Replace the content of a file that stays the same file."""
    with open(target, "r+b", buffering=0) as file:
        before = file.read()
        try:
            _overwrite(file, content)
        except BaseException:
            _overwrite(file, before)
            raise


def _overwrite(file: FileIO, content: bytes) -> None:
    file.seek(0)
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    file.truncate()
    os.fsync(file.fileno())


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Give an empty folder that replaces ``target`` when the block ends, and is removed when the block fails.

    It lies beside ``target``, in a folder that is created where there is none.

    Raises:
        OSError: it cannot be written; where nothing can be or the disk is full, ``filename`` is ``target``.
    """
    with _unwound_by_signals():
        yield from _replacing_directory(target)


def _replacing_directory(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = _beside(target)
    with _naming(target):
        scratch.mkdir(0o700)
    folder, replaced = scratch / "new", scratch / REPLACED
    try:
        with _locked(scratch):
            folder.mkdir()
            yield folder
            (scratch / NAME).write_bytes(os.fsencode(target.name))
            if target.exists():
                target.rename(replaced)
            try:
                folder.rename(target)
            except BaseException:
                if replaced.exists():
                    replaced.rename(target)
                raise
    except OSError as error:
        if error.errno in NO_ROOM:  # its own file, if it names one, is one that nobody knows
            error.filename = os.fspath(target)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Name the target in errors, which the user knows, rather than what lies beside it."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(target)
        raise


def _beside(target: Path) -> Path:
    """Return a new name in a file's folder: short, since a name may have 255 bytes, and not to be guessed."""
    if target.parent not in _swept:
        _swept.add(target.parent)
        _sweep(target.parent)
    return target.with_name(f".{target.name[:16]}-{secrets.token_hex(6)}.seetell")


def _sweep(folder: Path) -> None:
    """Remove what killed processes left in a folder."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [entry for entry in entries if _PARTIAL.fullmatch(entry.name)]:
            with suppress(OSError):
                if _is_abandoned(entry):
                    _remove(Path(entry.path))


def _is_abandoned(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    own = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
    plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    if not (own and plain) or time.time() - status.st_mtime < STALE_SECONDS:
        return False
    if sys.platform == "win32":  # where what is in use cannot be removed
        return True
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


def _remove(partial: Path) -> None:
    """Remove a file, or a folder after what it was about to replace is back."""
    if not partial.is_dir():
        partial.unlink()
        return
    if (partial / REPLACED).exists():
        target = partial.with_name(os.path.basename(os.fsdecode((partial / NAME).read_bytes())))
        if not target.exists():
            (partial / REPLACED).rename(target)
    shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":  # where a folder cannot be opened
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try_lock(descriptor)
        yield
    finally:
        os.close(descriptor)
