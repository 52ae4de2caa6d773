from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from seetell.cli.inputs import Besides, at_least_one, expand
from seetell.errors import UsageError
from seetell.extras import install_command


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


def test_standard_input_is_read_as_it_comes(folder: Path):
    class Slow(io.RawIOBase):
        def __iter__(self) -> Iterator[bytes]:
            yield b"photos/b.JPG\n"
            pytest.fail("read ahead")

    assert next(expand(["-"], Slow())) == "photos/b.JPG"


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


def test_a_list_may_end_its_names_with_zero_bytes_as_find_print0_does(folder: Path):
    assert found("-", listed=b"photos/b.JPG\0photos/deep\0two\nlines.jpg\0") == [
        "photos/b.JPG",
        "photos/deep/z.gif",
        "photos/deep/er/c.webp",
        "two\nlines.jpg",
    ]


def test_the_first_name_of_such_a_list_may_have_line_breaks(folder: Path):
    assert found("-", listed=b"odd\nname\n.jpg\0photos/b.JPG\0") == ["odd\nname\n.jpg", "photos/b.JPG"]
    assert found("-", listed=b"absent.jpg\n" * 1000 + b"more.jpg\0") == ["absent.jpg"] * 1000 + ["more.jpg\0"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_may_begin_with_a_byte_order_mark(encoding: str):
    assert found("-", listed="first.jpg\r\nsecond ü.jpg\r\n".encode(encoding)) == ["first.jpg", "second ü.jpg"]


def test_a_photo_on_standard_input_is_one(folder: Path):
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "JPEG2000", "PPM"):
        content = io.BytesIO()
        Image.new("RGB", (9, 9), (10, 13, 0)).save(content, kind)
        besides = Besides()
        assert list(expand(["-"], io.BytesIO(content.getvalue()), besides)) == ["-"]
        assert besides.source("-") == content.getvalue()
        assert besides.source("other.jpg") == "other.jpg"
    with pytest.raises(UsageError, match="standard input is a photo"):
        besides.file("-")


@pytest.mark.parametrize("name", ["GIF89.jpg", "BM.jpg", "P5 b.jpg"])
def test_a_list_whose_first_name_begins_as_a_picture_does_is_a_list(folder: Path, name: str):
    (folder / name).touch()
    assert found("-", listed=f"{name}\nother.jpg\n".encode()) == [name, "other.jpg"]


def test_what_a_folder_holds_besides_photos_is_counted_by_format(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.photos.formats._is_installed", lambda module: False)
    for name in ("a.HEIC", "b.heif", "c.jxl", "d.nef", "deep/e.CR2", "f.txt", ".g.heic", "h"):
        (folder / "photos" / name).touch()
    (folder / "photos" / "linked").symlink_to(folder / "photos" / "deep", target_is_directory=True)
    besides = Besides()
    assert len(list(expand(["photos"], io.BytesIO(), besides))) == 5
    told = str(besides.skipped_files)
    for part in (
        f"2 HEIC ({install_command('formats')} opens it; or export it as JPEG",
        "[formats]' opens it; or develop it to JPEG",
        "[jxl]' opens it; or convert it: djxl",
        "2 .txt",
        "1 .bin",
        "1 without an ending",
        "1 link to a folder (name it",
    ):
        assert part in told
    besides = Besides()
    assert list(expand(["photos/*.[Hh]*"], io.BytesIO(), besides)) == []
    with pytest.raises(UsageError, match=r"no photos found in photos; skipped: 2 HEIC"):
        at_least_one(iter([]), ["photos"], besides)


def test_with_the_extra_photos_of_more_formats_are_found(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("seetell.photos.formats._is_installed", lambda module: module != "rawpy")
    for name in ("a.HEIC", "c.jxl", "d.nef"):
        (folder / "photos" / "deep" / name).touch()
    besides = Besides()
    found = [os.path.basename(path) for path in expand(["photos/deep"], io.BytesIO(), besides)]
    assert {"a.HEIC", "c.jxl"} < set(found)
    assert "d.nef" not in found
    assert "1 RAW" in str(besides.skipped_files)


def test_nothing_named_is_told_as_such():
    with pytest.raises(UsageError, match="name of a file or folder, got an empty one"):
        list(expand(["a.jpg", ""], io.BytesIO()))
    with pytest.raises(UsageError, match="no photos found in standard input; "):
        at_least_one(expand(["-"], io.BytesIO()), ["-"], Besides())


def test_texts_beside_photos_are_not_counted(folder: Path):
    for name in ("z.txt", "z.gif.txt", "other.txt"):
        (folder / "photos" / "deep" / name).touch()
    besides = Besides()
    assert list(expand(["photos/deep"], io.BytesIO(), besides)) == ["photos/deep/z.gif", "photos/deep/er/c.webp"]
    assert str(besides.skipped_files) == "1 .txt"


def test_a_linked_folder_is_entered_where_it_is_named(folder: Path):
    (folder / "linked").symlink_to(folder / "photos" / "deep", target_is_directory=True)
    assert found("linked") == ["linked/z.gif", "linked/er/c.webp"]


def test_addresses_are_listed_where_they_are():
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.pipe("/inputs/a.jpg", b"")
    try:
        assert list(expand(["memory://inputs"], [])) == ["memory:///inputs/a.jpg"]
        assert list(expand(["-"], [b"memory://inputs/*.jpg\n"])) == ["memory:///inputs/a.jpg"]
    finally:
        store.rm("/inputs", recursive=True)
