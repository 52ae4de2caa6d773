from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from seetell.data import CaptionDataset, PhotoRecord
from seetell.data.check import check_photos, drop_unreadable

Paint = Callable[[Path, list[str]], Path]


def dataset_of(folder: Path, splits: dict[str, str]) -> CaptionDataset:
    photos = tuple(PhotoRecord(name, folder / name, ("a dog",), split) for name, split in splits.items())
    return CaptionDataset("d", folder, photos)


def test_what_does_not_open_is_listed_and_dropped(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png", "cut.png"])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no photo")
    Image.effect_noise((64, 64), 80).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:900])
    names = ["a.png", "empty.jpg", "text.jpg", "cut.png", "gone.png", "b.png"]
    dataset = dataset_of(tmp_path, dict.fromkeys(names, "train"))
    seen: list[tuple[int, int]] = []
    checked = check_photos(dataset, threads=2, progress=lambda done, total: seen.append((done, total)))
    assert checked.sizes == {"a.png": (8, 6), "b.png": (9, 6)}
    assert checked.unreadable == {"empty.jpg", "text.jpg", "cut.png", "gone.png"}
    assert [(problem.kind, Path(problem.where).name) for problem in checked.problems] == [
        ("unreadable-photo", name) for name in names[1:5]
    ]
    assert seen == [(done, 6) for done in range(1, 7)]
    left = drop_unreadable(dataset, checked)
    assert [photo.id for photo in left.photos] == ["a.png", "b.png"]
    assert left.problems == checked.problems


def test_the_same_file_under_two_names(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png", "b.png"])
    shutil.copy(tmp_path / "a.png", tmp_path / "c.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "d.png")
    dataset = dataset_of(tmp_path, {"a.png": "train", "b.png": "train", "c.png": "val", "d.png": "train"})
    problems = check_photos(dataset).problems
    assert [(problem.kind, Path(problem.where).name) for problem in problems] == [
        ("duplicate-content", "c.png"),
        ("duplicate-content", "d.png"),
    ]
    assert "one in val and one in train: scores will be too good" in problems[0].message
    assert "scores" not in problems[1].message
    assert len(drop_unreadable(dataset, check_photos(dataset)).photos) == 4


def test_sizes_are_upright(tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg", exif=exif)
    assert check_photos(dataset_of(tmp_path, {"a.jpg": "train"})).sizes == {"a.jpg": (20, 30)}


def test_regions_of_one_photo_are_no_duplicates(tmp_path: Path, paint: Paint):
    paint(tmp_path, ["a.png"])
    boxes = {"a.png#0": (0.0, 0.0, 4.0, 6.0), "a.png#1": (4.0, 0.0, 8.0, 6.0)}
    photos = tuple(PhotoRecord(name, tmp_path / "a.png", ("a dog",), "train", box) for name, box in boxes.items())
    checked = check_photos(CaptionDataset("d", tmp_path, photos), threads=1)
    assert checked.sizes == dict.fromkeys(boxes, (8, 6))
    assert checked.problems == ()
