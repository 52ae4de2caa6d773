from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from seetell.data.photo_folders import PhotoFolders, near_folders

Paint = Callable[[Path, list[str]], Path]


def test_looks_in_each_folder_in_turn(tmp_path: Path, paint: Paint):
    paint(tmp_path / "one", ["a.png"])
    paint(tmp_path / "two", ["a.png", "b.png", "deep/c.png"])
    folders = PhotoFolders([tmp_path / "one", tmp_path / "two", tmp_path / "absent"])
    assert folders.find("a.png") == tmp_path / "one" / "a.png"
    assert folders.find("b.png") == tmp_path / "two" / "b.png"
    assert folders.find("deep/c.png") == tmp_path / "two" / "deep" / "c.png"
    assert folders.find(r"deep\c.png") == tmp_path / "two" / "deep" / "c.png"
    assert folders.find(str(tmp_path / "two" / "b.png")) == tmp_path / "two" / "b.png"
    assert folders.find("deep") is None


@pytest.mark.parametrize("name", ["", ".", "..", "/", "\0", "a\0.png", "x" * 5000, "x/" * 3000 + "a.png", "c.png"])
def test_hostile_names_are_not_found(tmp_path: Path, paint: Paint, name: str):
    paint(tmp_path, ["a.png"])
    assert PhotoFolders([tmp_path]).find(name) is None


def test_case_and_unicode_form_do_not_matter_unless_both_exist(tmp_path: Path, paint: Paint):
    composed, decomposed = unicodedata.normalize("NFC", "café.png"), unicodedata.normalize("NFD", "café.png")
    paint(tmp_path, [decomposed, "Dog.PNG"])
    folders = PhotoFolders([tmp_path])
    assert folders.find(composed) == tmp_path / decomposed
    assert folders.find("dog.png") == tmp_path / "Dog.PNG"


def test_a_name_as_written_goes_first(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["Dog.png"])
    if (tmp_path / "dog.png").exists():
        pytest.skip("this file system does not tell cases apart")
    paint(tmp_path, ["dog.png"])
    folders = PhotoFolders([tmp_path])
    assert folders.find("dog.png") == tmp_path / "dog.png"
    assert folders.find("Dog.png") == tmp_path / "Dog.png"


def test_usual_folders_come_first_and_annotations_look_beside(tmp_path: Path):
    for name in ("annotations", "zebra", "images", ".hidden"):
        (tmp_path / name).mkdir()
    assert near_folders(tmp_path, None) == [
        tmp_path,
        tmp_path / "images",
        tmp_path / "annotations",
        tmp_path / "zebra",
    ]
    assert tmp_path / "images" in near_folders(tmp_path / "annotations", None)
    assert tmp_path / "images" not in near_folders(tmp_path / "zebra", None)
    assert near_folders(tmp_path / "zebra", tmp_path / "images") == [tmp_path / "images"]


def test_lists_photos_only(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["b.JPG", "a.png"])
    (tmp_path / "notes.txt").write_text("x")
    assert PhotoFolders([tmp_path]).names(tmp_path) == ["a.png", "b.JPG"]
