from __future__ import annotations

from pathlib import Path

import pytest

from seetell.data.source import Source, read_json, read_text
from seetell.errors import DataError


def test_text_with_a_byte_order_mark_and_any_line_ends(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\r\ntwo\rthrée\n".encode())
    assert read_text(path) == ("one\ntwo\nthrée\n", [])
    path.write_bytes("one\ntwö".encode("utf-16"))
    assert read_text(path) == ("one\ntwö", [])


def test_one_bad_line_is_a_problem_and_keeps_the_numbering(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n\xff\xfe bad\nthree")
    text, problems = read_text(path)
    assert text == "one\n\nthree"
    assert [(problem.kind, problem.where) for problem in problems] == [("malformed", "a.txt:2")]


def test_another_encoding_is_an_error_that_names_the_first_line(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_bytes("image,caption\na.jpg,une fenêtre\nb.jpg,café\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"2 of 4 lines are not, the first a\.csv:2; save the file as UTF-8"):
        read_text(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfea", "starts like UTF-16"),
        (b"\x89PNG\0\0", "contains zero bytes"),
    ],
)
def test_binary_files_are_no_text(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_text(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1,\n "b" 2}', r"a\.json:2:6: expected JSON"),
        (b"", r"a\.json:1:1: expected JSON"),
        (b'"\xff"', "byte 1 is not"),
        (b"[" * 200_000, "expected JSON of a captions file"),
        (b"9" * 5000, "expected JSON of a captions file"),
    ],
)
def test_broken_json_is_located(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_json(path)


def test_options_are_checked(tmp_path: Path):
    with pytest.raises(DataError, match="no such file or folder"):
        Source(tmp_path / "absent")
    with pytest.raises(DataError, match="expected the folder of the photos"):
        Source(tmp_path, photos=tmp_path / "absent")
    with pytest.raises(DataError, match="val_fraction: expected a fraction from 0 to below 1, got 1"):
        Source(tmp_path, val_fraction=1.0)
    with pytest.raises(DataError, match=r"expected less than 1, so that photos are left to train on, got 0\.6 \+ 0\.5"):
        Source(tmp_path, val_fraction=0.6, test_fraction=0.5)
