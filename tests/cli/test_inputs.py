from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seetell.cli.inputs import expand


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "b.JPG",
        "a.png",
        "notes.txt",
        "deep/er/c.webp",
        "deep/z.gif",
        ".hidden/d.jpg",
        "._a.png",
        "odd [1].jpg",
        "plain.bin",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*arguments: str, listed: bytes = b"") -> list[str]:
    return [path.replace(os.sep, "/") for path in expand(arguments, io.BytesIO(listed))]


def test_a_folder_gives_its_photos_sorted_and_those_below(folder: Path):
    expected = ["photos/a.png", "photos/b.JPG", "photos/odd [1].jpg", "photos/deep/z.gif", "photos/deep/er/c.webp"]
    assert found("photos") == expected
    assert found("photos/deep", "photos/a.png")[-1] == "photos/a.png"


def test_a_file_named_is_taken_whatever_its_name_and_even_if_absent(folder: Path):
    assert found("photos/plain.bin", "absent.jpg", "photos/odd [1].jpg") == [
        "photos/plain.bin",
        "absent.jpg",
        "photos/odd [1].jpg",
    ]


def test_patterns_give_photos_only_and_stand_for_themselves_if_nothing_fits(folder: Path):
    assert found("photos/*") == ["photos/a.png", "photos/b.JPG", "photos/odd [1].jpg"]
    assert found("photos/**/*.webp") == ["photos/deep/er/c.webp"]
    assert found("photos/[q]*.jpg") == ["photos/[q]*.jpg"]


def test_standard_input_lists_files_and_folders(folder: Path):
    listed = b"photos/b.JPG\r\n\nphotos/deep\nodd-\xff.jpg\n*.jpg"
    expected = ["photos/b.JPG", "photos/deep/z.gif", "photos/deep/er/c.webp", os.fsdecode(b"odd-\xff.jpg"), "*.jpg"]
    assert found("-", listed=listed) == expected
    assert found("photos/a.png", "-", "photos/b.JPG", listed=b"x.jpg\n") == ["photos/a.png", "x.jpg", "photos/b.JPG"]


def test_standard_input_is_read_as_it_comes():
    class Slow(io.RawIOBase):
        def __iter__(self) -> Iterator[bytes]:
            yield b"first.jpg\n"
            pytest.fail("read ahead")

    assert next(expand(["-"], Slow())) == "first.jpg"


def test_a_folder_that_may_not_be_listed_is_passed_on(folder: Path, monkeypatch: pytest.MonkeyPatch):
    scandir = os.scandir

    def refuse(path: str):
        if str(path).endswith("er"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert found("photos/deep") == ["photos/deep/z.gif", "photos/deep/er"]


def test_links_in_a_circle_end(folder: Path):
    (folder / "photos" / "deep" / "loop").symlink_to(folder / "photos", target_is_directory=True)
    assert len(found("photos")) == 5
