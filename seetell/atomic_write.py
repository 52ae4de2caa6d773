"""Files and folders written whole or not at all: a reader finds the old content or the new, never a part."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path, *, keep_identity: bool = False) -> Iterator[BinaryIO]:
    """Open a file whose content replaces ``path`` when the block ends, and is dropped when the block fails.

    An existing file keeps its permissions, and its new content is on the disk before the old content goes. A symbolic
    link stays one: the file that it points to is replaced. A device or pipe is written to directly.

    Args:
        path: the file to write; its folder must exist.
        keep_identity: whether an existing file keeps its owner, extended attributes and hard links too. Where that
            needs it, the new content, once on the disk, is copied into the file, and the old one back if that fails.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        with open(path, "wb") as file:
            yield file
        return
    target = path.resolve()
    existing = target.stat() if target.exists() else None
    mode = 0o666 if existing is None else stat.S_IMODE(existing.st_mode)
    # short, since a name may have 255 bytes at most, and one that nobody can have put a link at
    partial = target.with_name(f".{target.name[:16]}-{secrets.token_hex(8)}")
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        in_place = False
        with open(descriptor, "wb") as file:
            yield file
            if existing is not None:
                if keep_identity:
                    in_place = existing.st_nlink > 1 or not _take_over(file.fileno(), target, existing)
                shutil.copymode(target, partial)
                file.flush()
                os.fsync(file.fileno())
        if in_place:
            _copy_into(target, partial.read_bytes())
            partial.unlink()
        else:
            os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


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
        OSError: it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:16]}-") as scratch:
        folder = Path(scratch) / target.name
        folder.mkdir()
        yield folder
        if target.exists():
            target.rename(Path(scratch) / f"{target.name}.replaced")
        folder.rename(target)
