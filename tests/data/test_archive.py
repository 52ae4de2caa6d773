from __future__ import annotations

import gzip
import io
import random
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.data import archive
from seetell.data.archive import find_files, small_files
from seetell.data.records import Problem
from seetell.errors import DataError


def packed(members: list[tuple[str, bytes]], *, mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def listed(place: Path) -> tuple[list[tuple[str, bytes]], list[Problem]]:
    problems: list[Problem] = []
    return list(small_files(place, ".txt", problems)), problems


def test_folders_come_before_archives(tmp_path: Path):
    assert find_files(tmp_path, "Sentences") is None
    for ending in (".tar", ".tgz", ".tar.gz"):
        (tmp_path / f"Sentences{ending}").touch()
        assert find_files(tmp_path, "Sentences") == tmp_path / f"Sentences{ending}"
    (tmp_path / "Sentences").mkdir()
    assert find_files(tmp_path, "Sentences") == tmp_path / "Sentences"


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_folder_and_its_archive_hold_the_same(tmp_path: Path, mode: str):
    folder = tmp_path / "S"
    folder.mkdir()
    for name in ("b.txt", "a.txt", "c.xml", "._a.txt"):
        (folder / name).write_bytes(name.encode())
    (folder / "d.txt").mkdir()
    (tmp_path / "S.tar").write_bytes(
        packed([(f"S/{name}", name.encode()) for name in ("a.txt", "b.txt", "x")], mode=mode)
    )
    expected = [("a", b"a.txt"), ("b", b"b.txt")]
    found, problems = listed(folder)
    assert found == expected
    assert [(problem.kind, problem.where) for problem in problems] == [("malformed", "S/d.txt")]
    assert listed(tmp_path / "S.tar") == (expected, [])


def test_odd_members_lead_nowhere(tmp_path: Path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, kind in (("S", tarfile.DIRTYPE), ("S/link.txt", tarfile.SYMTYPE), ("S/pipe.txt", tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            tar.addfile(member)
        for name in ("../../up.txt", "/etc/root.txt", "S/up.txt", "S/b\udcff\n.txt"):
            member = tarfile.TarInfo(name)
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    path = tmp_path / "in" / "S.tar.gz"
    path.parent.mkdir()
    path.write_bytes(buffer.getvalue())
    found, problems = listed(path)
    assert [stem for stem, _ in found] == ["up", "root", "b\udcff\n"]
    assert [(problem.kind, problem.where) for problem in problems] == [
        ("malformed", "S.tar.gz/link.txt"),
        ("malformed", "S.tar.gz/pipe.txt"),
        ("duplicate-id", "S.tar.gz/up.txt"),
    ]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["S.tar.gz", "in"]


def test_large_files_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 10)
    (tmp_path / "S.tar.gz").write_bytes(packed([("a.txt", b"x" * 11), ("b.txt", b"x" * 10)]))
    (tmp_path / "a.txt").write_bytes(b"x" * 11)
    for place in (tmp_path / "S.tar.gz", tmp_path):
        found, problems = listed(place)
        assert "has 11 bytes; expected at most 10; skipped" in problems[0].message
        assert [stem for stem, _ in found] == (["b"] if place.suffix else [])


def test_an_archive_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 100_000)
    (tmp_path / "S.tar.gz").write_bytes(packed([("a.txt", b"x"), ("zeros", bytes(10**6)), ("b.txt", b"x")]))
    with pytest.raises(DataError, match="has more than 100,000 bytes unpacked"):
        listed(tmp_path / "S.tar.gz")


def test_members_before_the_damage_are_kept(tmp_path: Path):
    noise = random.Random(0)
    whole = packed([(f"{number}.txt", noise.randbytes(9000)) for number in range(9)])
    path = tmp_path / "S.tar.gz"
    path.write_bytes(whole[: len(whole) // 2])
    found, problems = listed(path)
    assert [stem for stem, _ in found] == ["0", "1", "2", "3"]
    assert "the archive is damaged after 4 files" in problems[0].message
    for content in (b"", b"no archive", gzip.compress(b"no archive"), whole[:20]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"expected a tar archive of \*\.txt files"):
            listed(path)


@pytest.mark.slow
@settings(max_examples=60)
@given(st.data())
def test_any_change_of_an_archive_is_a_clear_problem(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    content = bytearray(packed([(f"{number}.txt", b"word") for number in range(3)], mode="w"))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, 4095))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("archive") / "S.tar"
    path.write_bytes(content)
    with suppress(DataError):
        listed(path)
