from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

import pytest

from seetell import atomic_write
from seetell.atomic_write import atomic_file


def replaced(path: Path, content: bytes) -> None:
    with atomic_file(path, keep_identity=True) as file:
        file.write(content)


def test_the_content_appears_when_all_of_it_is_there(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_failure_leaves_what_was_there(tmp_path: Path, error: type[BaseException]):
    (tmp_path / "a").write_bytes(b"old")

    def failing(path: Path) -> None:
        with atomic_file(path) as file:
            file.write(b"new")
            raise error

    for name in ("a", "b"):
        with pytest.raises(error):
            failing(tmp_path / name)
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


@pytest.mark.skipif(os.name != "posix", reason="modes, links and devices as on POSIX")
def test_modes_links_and_devices_stay_what_they_are(tmp_path: Path):
    (tmp_path / "a").touch(mode=0o600)
    (tmp_path / "link").symlink_to("a")
    with atomic_file(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    with atomic_file(Path("/dev/null")) as file:
        file.write(b"new")
    assert not Path("/dev/null").is_file()


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes as on Linux")
def test_extended_attributes_stay_where_that_is_asked_for(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.seetell", b"mine")
    except OSError:
        pytest.skip("the file system has no extended attributes")
    replaced(path, b"new")
    assert (path.read_bytes(), os.getxattr(path, "user.seetell")) == (b"new", b"mine")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="root alone may give files away")
def test_the_owner_stays(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o4750)
    os.chown(path, 1234, 2345)
    path.chmod(0o4750)
    replaced(path, b"new")
    after = path.stat()
    assert (after.st_uid, after.st_gid, after.st_mode & 0o7777) == (1234, 2345, 0o4750)


@pytest.mark.parametrize("content", [b"new", b"a longer one", b""])
def test_hard_links_stay_where_that_is_asked_for(tmp_path: Path, content: bytes):
    (tmp_path / "a").write_bytes(b"old one")
    os.link(tmp_path / "a", tmp_path / "b")
    replaced(tmp_path / "a", content)
    assert (tmp_path / "b").read_bytes() == content
    assert (tmp_path / "a").samefile(tmp_path / "b")
    with atomic_file(tmp_path / "a") as file:
        file.write(b"else")
    assert (tmp_path / "b").read_bytes() == content
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_file_written_in_place_gets_its_old_content_back_if_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "a").write_bytes(b"old one")
    os.link(tmp_path / "a", tmp_path / "b")
    overwrite, calls = atomic_write._overwrite, []

    def full(file: FileIO, content: bytes) -> None:
        calls.append(content)
        overwrite(file, content[:2] if len(calls) == 1 else content)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_write, "_overwrite", full)
    with pytest.raises(OSError, match="No space left"):
        replaced(tmp_path / "a", b"new")
    assert (tmp_path / "b").read_bytes() == b"old one"
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_a_temporary_is_private_from_the_start_and_its_name_short(tmp_path: Path):
    path = tmp_path / ("n" * 255)
    path.touch(mode=0o600)
    with atomic_file(path):
        (partial,) = (other for other in tmp_path.iterdir() if other != path)
        assert partial.stat().st_mode & 0o777 == 0o600
        assert len(partial.name) < 40
