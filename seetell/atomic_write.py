"""Files and folders written whole or not at all: a reader finds the old content or the new, never a part."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file whose content replaces ``path`` when the block ends, and is dropped when the block fails.

    An existing file keeps its permissions, and its new content is on the disk before the old content goes. A symbolic
    link stays one: the file that it points to is replaced. A device or pipe is written to directly.

    Args:
        path: the file to write; its folder must exist.

    Raises:
        OSError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        with open(path, "wb") as file:
            yield file
        return
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with open(partial, "wb") as file:
            yield file
            if target.exists():
                shutil.copymode(target, partial)
                file.flush()
                os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_directory(target: Path) -> Iterator[Path]:
    """Give an empty folder that replaces ``target`` when the block ends, and is removed when the block fails.

    It lies beside ``target``, in a folder that is created where there is none.

    Raises:
        OSError: it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as scratch:
        folder = Path(scratch) / target.name
        folder.mkdir()
        yield folder
        if target.exists():
            target.rename(Path(scratch) / f"{target.name}.replaced")
        folder.rename(target)
