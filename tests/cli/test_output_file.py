from __future__ import annotations

import os
from pathlib import Path

import pytest

from seetell.cli.output_file import check_writable, write_file
from seetell.errors import SeetellError, UsageError


def test_a_file_is_put_in_place_whole(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    check_writable(path, "--output")
    write_file(path, "né\n")
    assert path.read_bytes() == "né\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_followed(tmp_path: Path):
    (tmp_path / "real.csv").touch()
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_file(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_what_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.csv"
    path.write_text("old")

    def full(source: object, target: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SeetellError, match=r"a\.csv: cannot be written \(No space left"):
        write_file(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_folders_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"--report .*: is a folder"):
        check_writable(tmp_path, "--report")
    with pytest.raises(UsageError, match=r"there is no folder .*none; make it first"):
        check_writable(tmp_path / "none" / "a.csv", "--output")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="nothing can be written there"):
        check_writable(tmp_path / "a.csv", "--output")
