from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seetell.drawing.attention_folder import AttentionFolder, is_picture_of
from seetell.errors import PhotoError, SeetellError, UsageError
from seetell.results import Caption, Word

SAID = Caption("a dog", tuple(Word(text, -0.5, np.full((2, 2), 0.25, np.float32)) for text in ("a", "dog")), -1, "tiny")


def whole(photo: tuple[int, int]) -> tuple[float, float, float, float]:
    return 0.0, 0.0, float(photo[0]), float(photo[1])


def save(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20), (9, 99, 200)).save(path)
    return str(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_photo_gives_a_page_and_a_picture_and_several_an_index(tmp_path: Path):
    photos = [save(tmp_path / name) for name in ("cat.jpg", "cat.png", "in/Cat.jpg")]
    with AttentionFolder(tmp_path / "new" / "where", visible_box=whole) as folder:
        pages = [folder.add(photo, SAID) for photo in photos]
    assert [page.name for page in pages] == ["cat-attention.html", "cat-2-attention.html", "Cat-3-attention.html"]
    assert all(page.read_text(encoding="utf-8").startswith("<!doctype html>") for page in pages)
    pictures = [page.with_suffix(".jpg") for page in pages]
    assert names(folder.path) == sorted([*(path.name for path in (*pages, *pictures)), "index.html"])
    with Image.open(pictures[0]) as picture:
        assert picture.format == "JPEG"
    listed = (folder.path / "index.html").read_text(encoding="utf-8")
    assert all(page.name in listed for page in pages)


def test_one_photo_needs_no_index_and_a_second_run_replaces_its_files(tmp_path: Path):
    photo = save(tmp_path / "a.png")
    for text in ("a dog", "a cat"):
        with AttentionFolder(tmp_path / "where", visible_box=whole) as folder:
            page = folder.add(photo, Caption(text, SAID.words, -1, "tiny"))
        assert f"<title>{text} – a.png</title>" in page.read_text(encoding="utf-8")
        assert names(folder.path) == ["a-attention.html", "a-attention.jpg"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("ünï 狗 (1).png", "ünï 狗 (1)"),
        ("e\u0301.png", "é"),
        ("<a> & 'b'?#%.png", "_a_ _ _b____"),
        ("...png.png", "png"),
        (". .png", "photo"),
        ("x" * 200 + ".png", "x" * 120),
    ],
)
def test_file_names_come_from_the_photo_and_are_safe(name: str, safe: str, tmp_path: Path):
    with AttentionFolder(tmp_path / "where", visible_box=whole) as folder:
        page = folder.add(save(tmp_path / name), SAID)
    assert page.name == f"{safe}-attention.html"
    assert page.is_file()


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes on POSIX only")
def test_a_name_that_is_no_text_is_escaped(tmp_path: Path):
    photo = os.fsdecode(os.fsencode(save(tmp_path / "a.png")) + b"\xe9")
    os.rename(tmp_path / "a.png", photo)
    with AttentionFolder(tmp_path / "where", visible_box=whole) as folder:
        page = folder.add(photo, SAID)
    assert page.name == "a-attention.html"
    assert "a.png\\udce9" in page.read_text(encoding="utf-8")


def test_where_nothing_can_be_written_is_wrong_use(tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UsageError, match=r"pages cannot be written there .*; name another folder"):
            AttentionFolder(path, visible_box=whole)


def test_an_index_of_someone_else_is_not_replaced(tmp_path: Path):
    (tmp_path / "index.html").write_text("<h1>My site</h1>")
    with pytest.raises(UsageError, match=r"has an index\.html that seetell did not write"):
        AttentionFolder(tmp_path, visible_box=whole)
    assert names(tmp_path) == ["index.html"]


def test_a_photo_that_vanished_is_its_own_error(tmp_path: Path):
    with (
        AttentionFolder(tmp_path / "where", visible_box=whole) as folder,
        pytest.raises(PhotoError, match="no such file"),
    ):
        folder.add(str(tmp_path / "gone.jpg"), SAID)
    assert names(folder.path) == []


def test_a_full_disk_is_told_and_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    photos = [save(tmp_path / name) for name in ("a.png", "b.png", "c.png")]

    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def run() -> None:
        with AttentionFolder(tmp_path / "where", visible_box=whole) as folder:
            folder.add(photos[0], SAID)
            folder.add(photos[1], SAID)
            monkeypatch.setattr(os, "replace", full)
            folder.add(photos[2], SAID)

    with pytest.raises(SeetellError, match=r"c-attention\.jpg: cannot be written \(No space left on device\)"):
        run()
    assert names(tmp_path / "where") == ["a-attention.html", "a-attention.jpg", "b-attention.html", "b-attention.jpg"]


def test_its_own_pictures_are_known(tmp_path: Path):
    assert is_picture_of(tmp_path, str(tmp_path / "a-attention.jpg"))
    assert is_picture_of(tmp_path / "x" / "..", str(tmp_path / "a-attention.jpg"))
    assert not is_picture_of(tmp_path, str(tmp_path / "a.jpg"))
    assert not is_picture_of(tmp_path, str(tmp_path / "below" / "a-attention.jpg"))
