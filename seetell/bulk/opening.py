"""Which kind of output a path stands for."""

from __future__ import annotations

import os
from pathlib import Path

from seetell.bulk.formats import JsonLines, format_of
from seetell.bulk.items import Shard
from seetell.bulk.output_files import RowFile, TableFile
from seetell.bulk.outputs import Output
from seetell.bulk.part_folder import ROWS_PER_FILE, PartFolder
from seetell.bulk.settings import Settings
from seetell.tasks.registry import Task


def is_folder(path: str, rows_per_file: int | None = None) -> bool:
    """Return whether a path stands for a folder of rows, not for a file.

    Args:
        path: as the user wrote it; a slash at its end makes it a folder's.
        rows_per_file: where it is given, it does.
    """
    return rows_per_file is not None or path.endswith((os.sep, "/")) or os.path.isdir(path)


def open_output(
    path: str,
    settings: Settings,
    task: Task,
    *,
    rows_per_file: int | None = None,
    shard: Shard = Shard(),  # noqa: B008
    retry: bool = False,
) -> Output:
    """Open an output for writing, and resume what is in it.

    Args:
        path: a file whose ending is that of a format; or a folder, see :func:`is_folder`, of files in the format that
            its own ending names, JSON lines without one.
        settings: what rows are made with.
        task: whose results they are.
        rows_per_file: of a folder's files.
        shard: the part of the input that this process does.
        retry: predict again for items that failed.

    Raises:
        UsageError: the path has another ending; or see :class:`Output`.
        SeetellError: see :class:`Output`.
    """
    target = Path(path)
    format = format_of(target.suffix, task)
    if is_folder(path, rows_per_file):
        rows = rows_per_file or ROWS_PER_FILE
        return PartFolder(target, format, settings, task, rows_per_file=rows, shard=shard, retry=retry)
    if isinstance(format, JsonLines):
        return RowFile(target, settings, task, retry=retry)
    return TableFile(target, format, settings, task, retry=retry)
