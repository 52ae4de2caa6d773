from __future__ import annotations

import os
from pathlib import Path

import pytest

from seetell.atomic_write import atomic_file


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
