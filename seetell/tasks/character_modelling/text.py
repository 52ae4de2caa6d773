"""A text to train on: read within bounds, encoded by its own characters, and cut into rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seetell.errors import DataError
from seetell.regular_file import open_regular

BLOCK = 2**20
"""Characters that are read at once."""

MOST = 50_000_000
"""Characters of a text, unless a recipe says otherwise."""

MOST_CHARACTERS = 2**16
"""Different ones: their numbers take 16 bits."""

CODE_POINTS = 0x110000
ROWS = 32
"""Into which a text is cut to measure a model on it, many characters at a time."""


@dataclass(frozen=True)
class Text:
    """A text, encoded.

    Attributes:
        source: its file.
        characters: the different ones, in the order of their code points; a character's number is its place.
        codes: the numbers, ``(N,)`` uint16.
        validation: how many of the last characters are validated on, and not trained on.
        remarks: for the user.
    """

    source: Path
    characters: str
    codes: np.ndarray
    validation: int
    remarks: tuple[str, ...] = ()

    @property
    def train(self) -> np.ndarray:
        """The numbers of what is trained on."""
        return self.codes[: len(self.codes) - self.validation]

    @property
    def val(self) -> np.ndarray:
        """The numbers of what is validated on."""
        return self.codes[len(self.codes) - self.validation :]

    @property
    def hash(self) -> str:
        """SHA-256 of the text."""
        digest = hashlib.sha256(self.characters.encode())
        digest.update(self.codes.tobytes())
        return digest.hexdigest()


def read_text(path: Path, *, validation_share: float, most: int) -> Text:
    """Read a file of text in UTF-8; every end of a line becomes one character.

    Args:
        path: the file.
        validation_share: of the text, from its end, for validation.
        most: characters; a longer text is refused before it is read.

    Raises:
        DataError: it is no such file, too long, or too short to be learnt.
    """
    blocks, counts = [], np.zeros(CODE_POINTS, np.int64)
    for block in _blocks(path, most):
        counts += np.bincount(block, minlength=CODE_POINTS)
        blocks.append(block)
    present, length = np.flatnonzero(counts), int(counts.sum())
    if len(present) < 2:
        found = "it is empty" if not length else f"it has only {chr(present[0])!r}"
        raise DataError(f"{path}: there is nothing to learn in this text, {found}")
    if len(present) > MOST_CHARACTERS:
        raise DataError(f"{path}: has {len(present):,} different characters; at most {MOST_CHARACTERS:,} are possible")
    numbers = np.zeros(CODE_POINTS, np.uint16)
    numbers[present] = np.arange(len(present))
    characters = "".join(map(chr, present))
    codes = np.concatenate([numbers[block] for block in blocks])
    validation = max(2, round(validation_share * length))
    note = f"{length:,} characters, {len(present)} different ones; the last {validation:,} are for validation"
    return Text(path, characters, codes, validation, (note,))


def read_beginning(path: Path, characters: int) -> str:
    """Return the first characters of a file of text; see :func:`read_text` for what it is, and for errors."""
    with _opened(path) as text:
        return _checked(path, text.read(characters))


def _blocks(path: Path, most: int) -> Iterator[np.ndarray]:
    """Yield the code points of a file's text, a block at a time, ``(N,)`` uint32."""
    with _opened(path) as text:
        size, read = path.stat().st_size, 0
        if size > 4 * most:
            raise _too_long(path, f"{size:,} bytes", most)
        while block := _checked(path, text.read(BLOCK)):
            read += len(block)
            if read > most:
                raise _too_long(path, f"more than {most:,} characters", most)
            yield np.frombuffer(block.encode("utf-32-le"), np.uint32)


@contextmanager
def _opened(path: Path) -> Iterator[io.TextIOWrapper]:
    """Open a file of text, and tell why it cannot be read if it cannot."""
    if path.is_dir():
        raise DataError(f"{path}: is a folder; expected one file of text, such as: cat {path}/*.txt > text.txt")
    try:
        with open_regular(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig") as text:
            yield text
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is no text in UTF-8 ({error.reason}); convert it, such as by iconv") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


def _checked(path: Path, block: str) -> str:
    if "\0" in block:
        raise DataError(f"{path}: is no text, it has characters NUL; expected text in UTF-8")
    return block


def _too_long(path: Path, found: str, most: int) -> DataError:
    return DataError(
        f"{path}: has {found}, at most {most:,} characters are read; cut it (head -c), or raise "
        "character_modelling.most_characters"
    )


def rows_of(codes: np.ndarray, rows: int) -> np.ndarray:
    """Cut a text into rows of one length, one behind the other, each with the first character of the next at its end.

    So every character of a row but the first is to be predicted, and what is left over at the end is fewer characters
    than rows.

    Args:
        codes: ``(N,)``, two at least.
        rows: the most; there are fewer of a text that is shorter.

    Returns:
        ``(rows, T + 1)``, a copy.
    """
    rows = min(rows, len(codes) - 1)
    length = (len(codes) - 1) // rows
    starts = np.arange(rows)[:, None] * length
    cut: np.ndarray = codes[starts + np.arange(length + 1)]
    return cut


def encode(text: str, characters: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """Return the numbers of a text's characters, ``(N,)`` int64, and those of its characters that are unknown."""
    numbers = {character: number for number, character in enumerate(characters)}
    unknown = [character for character in dict.fromkeys(text) if character not in numbers]
    return np.array([numbers[character] for character in text if character in numbers], np.int64), unknown
