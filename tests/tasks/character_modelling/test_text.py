from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.tasks.character_modelling.text import encode, read_beginning, read_text, rows_of


def read(path: Path, content: bytes, *, most: int = 1000):
    path.write_bytes(content)
    return read_text(path, validation_share=0.25, most=most)


def test_a_text_is_encoded_by_its_own_characters(tmp_path: Path):
    text = read(tmp_path / "a.txt", "\ufeffcab\r\né a".encode())
    assert text.characters == "\n abcé"  # ends of lines are one character, and the mark of order is none
    assert "".join(text.characters[code] for code in text.codes) == "cab\né a"
    assert (len(text.train), len(text.val)) == (5, 2)
    assert text.remarks == ("7 characters, 6 different ones; the last 2 are for validation",)
    other = read(tmp_path / "b.txt", "cab\né b".encode())
    assert (other.codes.dtype, other.hash == text.hash) == (np.uint16, False)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "nothing to learn in this text, it is empty"),
        (b"a", "nothing to learn in this text, it has only 'a'"),
        (b"aaaa", "nothing to learn in this text, it has only 'a'"),
        (b"\x89PNG\r\n\x1a\n", r"is no text in UTF-8 \(invalid start byte\)"),
        (b"ab\0cd", "is no text, it has characters NUL"),
        (b"ab" * 501, "has more than 1,000 characters, at most 1,000 characters are read"),
        (b"ab" * 3000, "has 6,000 bytes, at most 1,000 characters are read"),
    ],
)
def test_what_is_no_text_or_too_long_is_told(content: bytes, expected: str, tmp_path: Path):
    with pytest.raises(DataError, match=expected):
        read(tmp_path / "a.txt", content)


def test_what_is_no_file(tmp_path: Path):
    for path, expected in (
        (tmp_path, "is a folder"),
        (tmp_path / "absent", "cannot be read"),
        (Path(os.devnull), "cannot be read"),
    ):
        with pytest.raises(DataError, match=expected):
            read_text(path, validation_share=0.1, most=10)


def test_long_texts_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.tasks.character_modelling.text.BLOCK", 3)
    text = read(tmp_path / "a.txt", "äbcdäfg".encode())
    assert "".join(text.characters[code] for code in text.codes) == "äbcdäfg"


def test_rows_stand_behind_one_another_and_share_their_ends():
    rows = rows_of(np.arange(12), 3)
    assert rows.tolist() == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]  # 10 and 11 are left over
    assert rows_of(np.arange(3), 32).tolist() == [[0, 1], [1, 2]]


def test_unknown_characters_are_named():
    codes, unknown = encode("abxay", "ab")
    assert (codes.tolist(), unknown) == ([0, 1, 0], ["x", "y"])


def test_the_beginning_of_a_text(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes("äb\r\nc".encode() * 1000)
    assert read_beginning(tmp_path / "a.txt", 5) == "äb\ncä"
    (tmp_path / "b.txt").write_bytes(b"a\xff")
    with pytest.raises(DataError, match="is no text in UTF-8"):
        read_beginning(tmp_path / "b.txt", 5)
