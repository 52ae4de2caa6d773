"""The small files of a folder, or of a tar archive that was not unpacked."""

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
"""Files beyond this are listed and passed over; an annotation has some kilobytes."""
MAX_ARCHIVE_BYTES = 2**28
"""How much of an unpacked archive is read; all of Flickr30k Entities' is below half of it."""

_ENDINGS = (".tar.gz", ".tgz", ".tar")


def find_files(folder: Path, name: str) -> Path | None:
    """Return the folder ``name`` in ``folder``, else the archive of that name, else ``None``."""
    if (folder / name).is_dir():
        return folder / name
    archives = (folder / f"{name}{ending}" for ending in _ENDINGS)
    return next((path for path in archives if path.is_file()), None)


def small_files(place: Path, suffix: str, problems: list[Problem]) -> Iterator[tuple[str, bytes]]:
    """Yield the names without ending and the contents of the files called ``*suffix``, those of a folder sorted.

    Only the last part of an archive member's path counts, and nothing is written: a path that leads elsewhere leads
    nowhere. What is no plain file, too large or there twice is listed, as is the place where an archive is damaged.

    Args:
        place: a folder or tar archive, as ``find_files`` returns it.
        suffix: such as ``.xml``.
        problems: is added to.

    Raises:
        DataError: the archive is none, or goes beyond ``MAX_ARCHIVE_BYTES``.
    """
    seen: set[str] = set()
    for file, content in _in_folder(place, suffix) if place.is_dir() else _in_archive(place, suffix, problems):
        where = f"{place.name}/{file}"
        stem = file.removesuffix(suffix)
        if isinstance(content, str):
            problems.append(Problem("malformed", where, f"{content}; passed over"))
        elif stem in seen:
            problems.append(Problem("duplicate-id", where, f"{file} was there before; the first was kept"))
        else:
            seen.add(stem)
            yield stem, content


def _wanted(name: str, suffix: str) -> bool:
    return name.endswith(suffix) and not name.startswith(".")


def _too_large(size: int) -> str | None:
    return f"has {size:,} bytes; expected at most {MAX_FILE_BYTES:,}" if size > MAX_FILE_BYTES else None


def _in_folder(folder: Path, suffix: str) -> Iterator[tuple[str, bytes | str]]:
    """Yield each file's content, or why there is none."""
    for path in sorted(folder.iterdir()):
        if not _wanted(path.name, suffix):
            continue
        try:
            content: bytes | str = "is no plain file"
            if path.is_file():
                content = _too_large(path.stat().st_size) or path.read_bytes()
        except OSError as error:
            content = f"cannot be read ({error.strerror or error})"
        yield path.name, content


def _in_archive(archive: Path, suffix: str, problems: list[Problem]) -> Iterator[tuple[str, bytes | str]]:
    """Yield each member's content, or why there is none, in one pass from start to end."""
    done = 0
    with open(archive, "rb") as raw, _Unpacked(raw, archive) as unpacked:
        try:
            with tarfile.open(fileobj=unpacked, mode="r|") as members:
                for member in members:
                    name = PurePosixPath(member.name).name
                    if _wanted(name, suffix) and not member.isdir():
                        file = members.extractfile(member) if member.isfile() else None
                        content = None if file is None else _too_large(member.size) or file.read()
                        yield name, "is no plain file" if content is None else content
                        done += 1
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            if not done:
                raise DataError(f"{archive}: expected a tar archive of *{suffix} files, but {error}") from error
            message = f"the archive is damaged after {done} files ({error}); those before were read"
            problems.append(Problem("malformed", archive.name, message))


class _Unpacked(io.RawIOBase):
    """A gzip file, or one that is not packed, from which only so much is read.

    Args:
        raw: the file, which stays the caller's to close.
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
            DataError: this is more than may be read.
        """
        view = memoryview(buffer)
        content = self._file.read(len(view))
        view[: len(content)] = content
        self._left -= len(content)
        if self._left < 0:
            raise DataError(
                f"{self._archive}: holds more than {MAX_ARCHIVE_BYTES:,} bytes unpacked; check that this is the file "
                "you meant, and unpack it into a folder if it is"
            )
        return len(content)
