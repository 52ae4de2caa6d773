from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from seetell.bulk.row_log import RowLog, write_rows
from seetell.errors import DataError

ROWS = [{"image": "ü.jpg", "caption": "a dog"}, {"image": "b\udcff.jpg", "error": "no such file"}, {"image": "c.jpg"}]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RowLog]:
    made = RowLog(tmp_path / "rows.jsonl")
    for row in ROWS:
        made.append(row)
    yield made
    made.close()


def test_rows_are_there_at_once(log: RowLog):
    assert list(log.read()) == ROWS
    assert "ü.jpg" in log.path.read_text(encoding="utf-8")


def test_nothing_is_read_where_there_is_no_file(tmp_path: Path):
    assert list(RowLog(tmp_path / "absent").recover()) == []


@pytest.mark.parametrize("torn", [b'{"image": "d.jp', b'{"image": "d.jpg"}', b"\0\0\0", b'{"image": 3}\n', b"\xff\n"])
def test_a_torn_last_line_is_cut_off(log: RowLog, torn: bytes):
    log.close()
    whole = log.path.read_bytes()
    log.path.write_bytes(whole + torn)
    assert list(log.recover()) == ROWS
    assert log.path.read_bytes() == whole


def test_a_file_cut_anywhere_loses_one_row_at_most(log: RowLog):
    log.close()
    content = log.path.read_bytes()
    for size in range(len(content) + 1):
        log.path.write_bytes(content[:size])
        kept = list(log.recover())
        assert kept == ROWS[: content[:size].count(b"\n")]
        log.append({"image": "new"})
        log.close()
        assert list(log.read()) == [*kept, {"image": "new"}]


def test_a_line_in_the_middle_that_is_no_row_is_named(log: RowLog):
    log.close()
    lines = log.path.read_bytes().splitlines(keepends=True)
    log.path.write_bytes(lines[0] + b"[]\n" + lines[2])
    with pytest.raises(DataError, match=r"rows\.jsonl, line 2: expected a JSON object with image"):
        list(log.recover())


def test_a_full_disk_leaves_whole_rows(log: RowLog, monkeypatch: pytest.MonkeyPatch):
    file = log._file

    class Full:
        def write(self, content: memoryview) -> int:
            if len(content) < 20:
                raise OSError(errno.ENOSPC, "No space left on device")
            return file.write(content[:10])

        def __getattr__(self, name: str):
            return getattr(file, name)

    with monkeypatch.context() as patched:
        patched.setattr(log, "_file", Full())
        with pytest.raises(OSError, match="No space") as raised:
            log.append({"image": "d.jpg", "caption": "a long one"})
    assert raised.value.filename == str(log.path)
    assert list(log.read()) == ROWS
    assert log.path.read_bytes().endswith(b"}\n")


def test_rows_are_kept_by_a_choice(log: RowLog):
    log.keep(lambda row: "error" not in row)
    assert list(log.read()) == [ROWS[0], ROWS[2]]
    log.append({"image": "d.jpg"})
    assert list(log.read())[-1] == {"image": "d.jpg"}


def test_rows_are_sorted_and_those_without_a_place_stay_behind_the_one_before(tmp_path: Path):
    write_rows(tmp_path / "rows", [{"image": name} for name in ("gone", "d", "lost", "b", "a", "c")])
    log = RowLog(tmp_path / "rows")
    log.put_in_order(lambda row: {"a": 0, "b": 1, "c": 2, "d": 3}.get(row["image"]))
    assert [row["image"] for row in log.read()] == ["gone", "a", "b", "c", "d", "lost"]


def test_a_file_in_order_is_left_alone(log: RowLog):
    inode = log.path.stat().st_ino
    log.put_in_order(lambda row: [row["image"] for row in ROWS].index(row["image"]))
    assert log.path.stat().st_ino == inode
    assert json.loads(log.path.read_text(encoding="utf-8").splitlines()[0]) == ROWS[0]
