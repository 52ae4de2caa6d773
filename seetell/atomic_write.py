"""A file written whole or not at all: whoever looks finds its old content or its new, never a part."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file whose content takes its place when the block ends, and not at all when the block fails.

    A file that is there keeps its permissions, and its new content is on the disk before the old one goes. A symbolic
    link stays one: the file that it leads to is replaced. A device or pipe is written to directly.

    Args:
        path: where to, in a folder that is there.

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
