"""Files that a command writes when its work is done: checked before, replaced whole."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from seetell.atomic_write import atomic_file
from seetell.errors import SeetellError, UsageError


def check_writable(
    path: Path, option: str, *, inputs: Iterable[str | Path | None] = (), picture: bool = False, video: bool = False
) -> None:
    """Check before any work that a file can be written, and that nothing that is read is overwritten.

    Args:
        path: the file.
        option: the option that names it, for the message.
        inputs: what the command reads; ``None`` where an option is absent.
        picture: whether a picture is written; only then may the file have the name of one.
        video: the same for a video.

    Raises:
        UsageError: the path is a folder, its folder does not exist or is not writable, its name is too long, or it is
            an input.
    """
    from seetell.photos.formats import is_photo_name
    from seetell.video.endings import is_only_video_name

    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:  # such as a name that is too long
        raise UsageError(f"{option} {path}: nothing can be written there ({error.strerror})") from error
    if not picture and is_photo_name(str(path)):
        raise UsageError(f"{option} {path}: has the name of a photo; expected that of a page or a table")
    if not video and is_only_video_name(str(path)):
        raise UsageError(f"{option} {path}: has the name of a video; expected that of a page or a table")
    if path.exists() and any(
        os.path.exists(read) and os.path.samefile(path, read) for read in inputs if read is not None
    ):
        raise UsageError(f"{option} {path}: would overwrite what this command reads; name another file")
    if path.is_dir():
        raise UsageError(f"{option} {path}: is a folder; expected the name of a file, such as {path / 'scores'}")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: there is no folder {path.parent}; make it first")
    places = [path] if path.exists() else []
    if not path.exists() or path.is_file():  # a file is replaced by one that is written beside it
        places.append(path.resolve().parent)
    if not all(os.access(place, os.W_OK) for place in places):
        raise UsageError(f"{option} {path}: nothing can be written there; name another place")


def write_file(path: Path, content: str | bytes) -> None:
    """Write bytes, or text as UTF-8; an existing file is replaced whole or not at all.

    Raises:
        SeetellError: it cannot be written.
    """
    content = content.encode() if isinstance(content, str) else content
    try:
        with atomic_file(path) as file:
            file.write(content)
    except OSError as error:
        raise SeetellError(f"{path}: cannot be written ({error.strerror})") from error
