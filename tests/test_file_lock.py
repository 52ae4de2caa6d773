from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from seetell.file_lock import FileLock, LockedError

HOLD = "import sys, pathlib; from seetell.file_lock import FileLock; lock = FileLock(pathlib.Path(sys.argv[1]))"


def test_one_at_a_time_has_the_lock(tmp_path: Path):
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(LockedError):
        FileLock(tmp_path / "lock")
    lock.release()
    lock.release()
    assert not [*tmp_path.iterdir()]
    FileLock(tmp_path / "lock").release()


def test_a_lock_ends_with_what_has_it(tmp_path: Path):
    lock = FileLock(tmp_path / "lock")
    del lock
    FileLock(tmp_path / "lock").release()


def test_a_lock_ends_with_its_process(tmp_path: Path):
    path = tmp_path / "lock"
    program = f"{HOLD}; print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program, path], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LockedError):
            FileLock(path)
        process.kill()
    assert path.exists()
    FileLock(path).release()


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "absent" / "lock")
