"""The file or folder to read, with the reader's options; read its text or JSON with errors that name the line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

from seetell.data.records import Problem, check_split
from seetell.errors import DataError

_FEW = 0.01


@dataclass(frozen=True)
class Source:
    """A data set to read, with the options of :func:`seetell.data.read`."""

    path: Path
    photos: Path | None = None
    split: str | None = None
    split_seed: int = 0
    val_fraction: float = 0.1
    test_fraction: float = 0.1
    require_photos: bool = True
    keep_wordless: bool = False

    def __post_init__(self) -> None:
        if self.split is not None:
            check_split(self.split)
        if not self.path.exists():
            raise DataError(f"{self.path}: no such file or folder; expected a data set of photos with captions")
        if self.photos is not None and not self.photos.is_dir():
            raise DataError(f"{self.photos}: expected the folder of the photos, but it is not a folder; check the path")
        for field in ("val_fraction", "test_fraction"):
            if not 0 <= getattr(self, field) < 1:
                raise DataError(f"{field}: expected a fraction from 0 to below 1, got {getattr(self, field)}")
        if self.val_fraction + self.test_fraction >= 1:
            raise DataError(
                f"val_fraction + test_fraction: expected less than 1, so that photos are left to train on, "
                f"got {self.val_fraction} + {self.test_fraction}"
            )

    @property
    def folder(self) -> Path:
        """The folder itself, or that of the file."""
        return self.path if self.path.is_dir() else self.path.parent

    @cached_property
    def document(self) -> Any:
        """The parsed JSON of ``path``; see ``read_json``."""
        return read_json(self.path)


def leads_outside(name: str | PurePath) -> bool:
    """Return whether a name of a file or folder in a data set's own files is not one below the data set's folder."""
    path = PurePath(name)
    return path.is_absolute() or bool(path.drive) or ".." in path.parts


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        DataError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; expected a readable file") from error


def read_json(path: Path) -> Any:
    """Parse a JSON file.

    Raises:
        DataError: the file is not UTF-8 or not JSON; the message includes line and column.
    """
    try:
        return json.loads(read_bytes(path).decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}:{error.lineno}:{error.colno}: expected JSON, but {error.msg}; "
            "check that the file is complete and that this is the intended file"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: expected JSON in UTF-8, but byte {error.start} is not; save it as UTF-8") from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{path}: expected JSON of a captions file, but {error}") from error


def read_text(path: Path) -> tuple[str, list[Problem]]:
    """Decode a text file: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Invalid lines are replaced by empty ones, so line numbers remain correct, and reported as problems if they are few;
    many mean that the whole file has another encoding.

    Returns:
        The text with line feeds as line ends, and the problems.

    Raises:
        DataError: the file cannot be read, is binary, or more than 1% of its lines are not UTF-8.
    """
    return decode_text(path, read_bytes(path))


def decode_text(path: Path, raw: bytes) -> tuple[str, list[Problem]]:
    """Decode what a text file holds, as :func:`read_text` does."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return _unix_lines(raw.decode("utf-16")), []
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: starts like UTF-16 but is not valid; save it as UTF-8") from error
    if b"\0" in raw:
        raise DataError(f"{path}: expected text, but it contains zero bytes; check that this is the intended file")
    try:
        return _unix_lines(raw.decode("utf-8-sig")), []
    except UnicodeDecodeError:
        lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removeprefix(b"\xef\xbb\xbf").split(b"\n")
    problems = []
    good: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            good.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            good.append("")
            problems.append(Problem("malformed", f"{path.name}:{number}", "not valid UTF-8; the line was skipped"))
    if len(problems) > max(1, _FEW * len(lines)):
        raise DataError(
            f"{path}: expected UTF-8, but {len(problems)} of {len(lines)} lines are not, the first "
            f"{problems[0].where}; save the file as UTF-8 (in a spreadsheet: 'CSV UTF-8')"
        )
    return "\n".join(good), problems


def numbered_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the non-blank lines with their numbers from 1; only a line feed ends a line."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line


def _unix_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
