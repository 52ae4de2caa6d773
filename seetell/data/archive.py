"""Read the small files of a folder or of a tar archive."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from seetell.data.records import Problem
from seetell.errors import DataError

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_FILE_BYTES = 2**20
"""Larger files are reported and skipped; an annotation has a few kilobytes."""
MAX_ARCHIVE_BYTES = 2**28
"""Largest unpacked archive that is read; all of Flickr30k Entities' have less than half of it."""

_ENDINGS = (".tar.gz", ".tgz", ".tar")


def find_files(folder: Path, name: str) -> Path | None:
    """Return the folder ``name`` in ``folder``, else the archive of that name, else ``None``."""
    if (folder / name).is_dir():
        return folder / name
    archives = (folder / f"{name}{ending}" for ending in _ENDINGS)
    return next((path for path in archives if path.is_file()), None)


def small_files(source: Path, suffix: str, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """Yield the stems and contents of the files named ``*suffix``; those of a folder sorted.

    Only the last part of an archive member's path is used, and nothing is written, so a path cannot escape. Members
    that are not regular files, too large or duplicates are reported, as is the position of damage in an archive.

    Args:
        source: a folder or tar archive from ``find_files``.
        suffix: ending of the files, such as ``.xml``.
        problems: list that problems are appended to.

    Raises:
        DataError: the archive is not valid, or exceeds ``MAX_ARCHIVE_BYTES``.
    """
    seen: set[str] = set()
    for file, content in _in_folder(source, suffix) if source.is_dir() else _in_archive(source, suffix, problems):
        where = f"{source.name}/{file}"
        stem = file.removesuffix(suffix)
        if isinstance(content, str):
            problems.append(Problem("malformed", where, f"{content}; skipped"))
        elif stem in seen:
            problems.append(Problem("duplicate-id", where, f"duplicate file {file}; the first was kept"))
        else:
            seen.add(stem)
            yield stem, content


def _wanted(name: str, suffix: str) -> bool:
    return name.endswith(suffix) and not name.startswith(".")


def _too_large(size: int) -> str | None:
    return f"has {size:,} bytes; expected at most {MAX_FILE_BYTES:,}" if size > MAX_FILE_BYTES else None


def _in_folder(folder: Path, suffix: str) -> Iterator[tuple[str, bytes | str]]:
    """Yield each file's content, or the reason why there is none."""
    for path in sorted(folder.iterdir()):
        if not _wanted(path.name, suffix):
            continue
        try:
            content: bytes | str = "is not a regular file"
            if path.is_file():
                content = _too_large(path.stat().st_size) or path.read_bytes()
        except OSError as error:
            content = f"cannot be read ({error.strerror or error})"
        yield path.name, content


def _in_archive(archive: Path, suffix: str, problems: list[Problem]) -> Iterator[tuple[str, bytes | str]]:
    """Yield each member's content, or the reason why there is none, in one pass."""
    done = 0
    with open(archive, "rb") as raw, _Unpacked(raw, archive) as unpacked:
        try:
            with tarfile.open(fileobj=unpacked, mode="r|") as members:
                for member in members:
                    name = PurePosixPath(member.name).name
                    if _wanted(name, suffix) and not member.isdir():
                        file = members.extractfile(member) if member.isfile() else None
                        content = None if file is None else _too_large(member.size) or file.read()
                        yield name, "is not a regular file" if content is None else content
                        done += 1
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            if not done:
                raise DataError(f"{archive}: expected a tar archive of *{suffix} files, but {error}") from error
            message = f"the archive is damaged after {done} files ({error}); those before were read"
            problems.append(Problem("malformed", archive.name, message))


class _Unpacked(io.RawIOBase):
    """A file, gzip-compressed or not, of which at most ``MAX_ARCHIVE_BYTES`` are read.

    Args:
        raw: the file, to be closed by the caller.
        archive: its path, for messages.
    """

    def __init__(self, raw: BinaryIO, archive: Path) -> None:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        self._file: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if packed else raw
        self._archive = archive
        self._left = MAX_ARCHIVE_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read the next bytes.

        Raises:
            DataError: the limit is exceeded.
        """
        view = memoryview(buffer)
        content = self._file.read(len(view))
        view[: len(content)] = content
        self._left -= len(content)
        if self._left < 0:
            raise DataError(
                f"{self._archive}: has more than {MAX_ARCHIVE_BYTES:,} bytes unpacked; check that this is the "
                "intended file, and if so unpack it into a folder"
            )
        return len(content)
