from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from io import FileIO
from pathlib import Path

import pytest

from seetell import atomic_write
from seetell.atomic_write import STALE_SECONDS, atomic_directory, atomic_file


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


SIGNALLED = """
import os, signal, sys
from pathlib import Path
from seetell.atomic_write import atomic_directory, atomic_file
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)  # ``nohup`` has one of them ignored
    for writing in (atomic_file, atomic_directory):
        try:
            with writing(Path("outer")), writing(Path("inner")):
                assert os.listdir(".")
                signal.raise_signal(number)
        except SystemExit as end:
            assert end.code == 128 + number
        assert not os.listdir(".")
        assert signal.getsignal(number) is signal.SIG_DFL
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with atomic_file(Path("whole")):
    signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX")
def test_signals_that_end_the_process_leave_nothing(tmp_path: Path):
    done = subprocess.run([sys.executable, "-c", SIGNALLED], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert os.listdir(tmp_path) == ["whole"]


@pytest.mark.parametrize("writing", [atomic_file, atomic_directory])
@pytest.mark.parametrize("inner", [(), (".a-0123456789ab.seetell/new/b",)])
def test_a_full_disk_is_named(tmp_path: Path, writing, inner: tuple[str, ...]):
    with pytest.raises(OSError, match="No space left") as caught, writing(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *inner)
    assert caught.value.filename == str(tmp_path / "a")


@pytest.mark.parametrize("writing", [atomic_file, atomic_directory])
def test_what_the_user_named_is_named_where_nothing_can_be_written(tmp_path: Path, writing, monkeypatch):
    def refused(path: object, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(os, "open" if writing is atomic_file else "mkdir", refused)
    with pytest.raises(PermissionError) as caught, writing(tmp_path / "a"):
        pass
    assert caught.value.filename == str(tmp_path / "a")


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


def left_behind(target: Path, kind: str) -> None:
    """Have a process killed while it writes a file or folder, a while ago."""
    program = (
        "import os, sys, pathlib; from seetell.atomic_write import atomic_directory, atomic_file\n"
        f"with atomic_{kind}(pathlib.Path(sys.argv[1])): os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, target], check=True)
    (partial,) = (other for other in target.parent.iterdir() if other.suffix == ".seetell")
    age(partial)


def age(path: Path) -> None:
    os.utime(path, (time.time() - STALE_SECONDS - 1,) * 2)


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_killed_processes_leave_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(atomic_write, "_swept", set())
    left_behind(tmp_path / "a", kind)
    replaced(tmp_path / "b", b"new")
    assert os.listdir(tmp_path) == ["b"]


@pytest.mark.skipif(os.name != "posix", reason="locks as on POSIX")
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_is_being_written_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str):
    with (atomic_file if kind == "file" else atomic_directory)(tmp_path / "a"):
        (partial,) = tmp_path.iterdir()
        age(partial)
        monkeypatch.setattr(atomic_write, "_swept", set())
        replaced(tmp_path / "b", b"new")
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]


def test_what_is_young_or_not_ours_is_not_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    names = [".a-0123456789ab.seetell", ".a-0123456789ab", ".cache-0123456789abcdef", "a-0123456789ab.seetell"]
    for name in names:
        (tmp_path / name).touch()
    for name in names[1:]:
        age(tmp_path / name)
    monkeypatch.setattr(atomic_write, "_swept", set())
    replaced(tmp_path / "b", b"new")
    assert sorted(os.listdir(tmp_path)) == sorted([*names, "b"])


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / ("n" * 255)
    with atomic_directory(target) as folder:
        (folder / "a").write_bytes(b"old")

    def failing() -> None:
        with atomic_directory(target) as folder:
            (folder / "a").write_bytes(b"new")
            raise ValueError("it fails")

    with pytest.raises(ValueError, match="it fails"):
        failing()
    assert (target / "a").read_bytes() == b"old"
    with atomic_directory(target) as folder:
        (folder / "b").write_bytes(b"new")
    assert os.listdir(target) == ["b"]
    assert len(os.listdir(tmp_path)) == 1


def test_a_folder_that_was_being_replaced_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    scratch = tmp_path / ".model-0123456789ab.seetell"
    (scratch / "replaced").mkdir(parents=True)
    (scratch / "replaced" / "a").touch()
    (scratch / "name").write_bytes(b"model")
    age(scratch)
    monkeypatch.setattr(atomic_write, "_swept", set())
    replaced(tmp_path / "b", b"new")
    assert sorted(os.listdir(tmp_path)) == ["b", "model"]
    assert os.listdir(tmp_path / "model") == ["a"]


def test_nobody_can_put_a_link_at_the_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "target").write_bytes(b"mine")
    monkeypatch.setattr(atomic_write.secrets, "token_hex", lambda length: "0" * 2 * length)
    (tmp_path / ".a-000000000000.seetell").symlink_to("target")
    with pytest.raises(FileExistsError):
        replaced(tmp_path / "a", b"new")
    assert (tmp_path / "target").read_bytes() == b"mine"


@pytest.mark.parametrize("durable", [True, False])
def test_a_new_file_is_on_the_disk_before_it_is_there_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda number: synced.append((os.fstat(number).st_size, path.exists())))
    path = tmp_path / "settings"
    with atomic_file(path, durable=durable) as file:
        file.write(b"content")
    assert synced == ([(7, False)] if durable else [])
    with atomic_file(path) as file:
        file.write(b"other content")
    assert synced[-1] == (13, True)
