from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from seetell.data import read
from seetell.data.records import RegionRecord
from seetell.data.regions import read_regions
from seetell.data.report import build_report
from seetell.errors import DataError


def region(number: int, x: Any, y: Any, width: Any, height: Any, phrase: Any = "a dog on grass") -> dict[str, Any]:
    box = {"x": x, "y": y, "width": width, "height": height}
    return {"region_id": number, "image_id": 1, "phrase": phrase, **box}


def write(root: Path, photos: dict[Any, list[Any]], size: tuple[int, int] = (40, 20), **splits: list[int]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    described = [{"regions": regions, "id": number} for number, regions in photos.items()]
    (root / "region_descriptions.json").write_text(json.dumps(described))
    sizes = [{"image_id": number, "width": size[0], "height": size[1], "coco_id": None} for number in photos]
    (root / "image_data.json").write_text(json.dumps(sizes))
    if splits:
        (root / "densecap_splits.json").write_text(json.dumps(splits))
    return root


def paint(folder: Path, *numbers: int, size: tuple[int, int] = (40, 20)) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        Image.new("RGB", size, (number % 256, 0, 0)).save(folder / f"{number}.jpg")


def test_photos_of_both_folders_with_densecaps_splits(tmp_path: Path):
    photos = {
        number: [region(number, 1, 2, 3, 4), region(9, 0, 0, 40, 20, " sky \n and sea ")] for number in (1, 2, 300)
    }
    root = write(tmp_path, photos, train=[1], val=[300], test=[2])
    paint(root / "VG_100K", 1, 2)
    paint(root / "VG_100K_2", 300)
    dataset = read_regions(root)
    assert (dataset.name, dataset.format, dataset.problems) == ("visual-genome", "Visual Genome regions", ())
    assert dataset.notes == ("6 regions, whose phrases describe them, not whole photos",)
    assert [(photo.id, photo.path.relative_to(root).as_posix(), photo.split) for photo in dataset.photos] == [
        (1, "VG_100K/1.jpg", "train"),
        (2, "VG_100K/2.jpg", "test"),
        (300, "VG_100K_2/300.jpg", "val"),
    ]
    assert dataset.split("val") == dataset.photos[2:]
    assert dataset.photos[0].regions == (
        RegionRecord((1.0, 2.0, 4.0, 6.0), ("a dog on grass",)),
        RegionRecord((0.0, 0.0, 40.0, 20.0), ("sky and sea",)),
    )
    assert read_regions(root / "region_descriptions.json").photos == dataset.photos


def test_boxes_are_scaled_to_the_file(tmp_path: Path):
    root = write(tmp_path, {1: [region(1, 4, 5, 8, 10)]})
    paint(root, 1, size=(20, 40))
    (photo,) = read_regions(root).photos
    assert (photo.size, photo.regions[0].box) == ((20, 40), (2.0, 10.0, 6.0, 30.0))


def test_without_photos_the_stated_size_counts(tmp_path: Path):
    root = write(tmp_path, {1: [region(1, 4, 5, 8, 10)], 2: [region(2, 4, 5, 8, 10)]})
    (root / "image_data.json").write_text('[{"id": 1, "width": 40, "height": 20}, {"id": 2, "width": 0, "height": 1}]')
    dataset = read_regions(root, require_photos=False)
    assert [(photo.id, photo.size, photo.regions[0].box) for photo in dataset.photos] == [(1, (40, 20), (4, 5, 12, 15))]
    assert [problem.kind for problem in dataset.problems] == ["malformed", "missing-annotation"]
    with pytest.raises(DataError, match=r"none of its 2 photos was found, such as '1.jpg'; looked in .*--photos DIR"):
        read_regions(root)


def test_bad_boxes_and_phrases_are_reported_and_do_not_affect_the_others(tmp_path: Path):
    rows = [
        region(1, -2, 5, 10, 10),
        region(2, 30, 5, 11, 900),
        region(3, 10, 10, 0, 5),
        region(4, 10, 10, 5, -5),
        region(5, 10, -904, 5, 5),
        region(6, 39.5, 5, 5, 5),
        region(7, None, 5, 5, 5),
        region(8, 5, 5, float("nan"), 5),
        region(9, 5, 5, 10**400, 5),
        region(10, 1, 1, 5, 5, "  "),
        region(11, 1, 1, 5, 5, None),
        region(12, 1, 1, 5, 5, "half \ud800 of a pair"),
        "a string",
        region(13, True, 1, 5, 5),
        region(14, 1, 1, 39, 19),
    ]
    root = write(tmp_path, {1: rows, 2: [region(20, 0, 0, 0, 0)], 3: [], 4: "x", 5: [region(21, 0, 0, 1, 1)]})
    paint(root, 1, 2, 3, 4)
    dataset = read_regions(root)
    assert [photo.id for photo in dataset.photos] == [1]
    assert [row.box for row in dataset.photos[0].regions] == [(0, 5, 8, 15), (30, 5, 40, 20), (1, 1, 40, 20)]
    file = "region_descriptions.json"
    assert [
        (problem.kind, problem.where.removeprefix(f"{file}: photo 1, region ")) for problem in dataset.problems
    ] == [
        ("box-outside-photo", "1"),
        ("box-outside-photo", "2"),
        ("box-without-area", "3"),
        ("box-without-area", "4"),
        ("box-outside-photo", "5"),
        ("box-outside-photo", "6"),
        ("malformed", "7"),
        ("malformed", "8"),
        ("malformed", "9"),
        ("empty-caption", "10"),
        ("malformed", "11"),
        ("empty-caption", "12"),
        ("malformed", "[12]"),
        ("malformed", "13"),
        ("box-without-area", f"{file}: photo 2, region 20"),
        ("photo-without-caption", f"{file}: photo 2"),
        ("photo-without-caption", f"{file}: photo 3"),
        ("malformed", f"{file}[3]"),
        ("missing-photo", f"{file}: photo 5"),
    ]
    assert dataset.problems[0].message == "the box of 10×10 at -2, 5 extends beyond the photo of 40×20; clipped"


def test_splits_that_do_not_fit(tmp_path: Path):
    photos = {number: [region(number, 1, 1, 5, 5)] for number in (1, 2, 3)}
    root = write(tmp_path, photos, train=[1, 2], test=[2], val=[7])
    paint(root, 1, 2, 3)
    dataset = read_regions(root)
    assert [(photo.id, photo.split) for photo in dataset.photos] == [(1, "train"), (2, "test")]
    assert [problem.kind for problem in dataset.problems] == ["unknown-in-split", "two-splits", "no-split"]
    (root / "densecap_splits.json").write_text("[1, 2]")
    with pytest.raises(DataError, match=r"densecap_splits\.json: expected an object with lists of ids"):
        read_regions(root)


def test_photos_are_divided_where_no_splits_lie(tmp_path: Path):
    root = write(tmp_path, {number: [region(number, 1, 1, 5, 5)] for number in range(40)})
    dataset = read_regions(root, require_photos=False)
    assert {photo.split for photo in dataset.photos} == {"train", "val", "test"}
    assert "assigned by seed 0" in dataset.notes[1]
    few = read_regions(write(tmp_path / "few", {1: [region(1, 1, 1, 5, 5)]}), require_photos=False)
    assert few.single_split
    assert few.split("val") == few.split("test") == few.photos


def test_the_report_counts_phrases(tmp_path: Path):
    rows = [region(1, 1, 1, 5, 5), region(2, 1, 1, 0, 5), region(3, 2, 2, 5, 5), region(4, 2, 2, 5, 5, "two cats")]
    root = write(tmp_path, {1: rows}, train=[1], val=[], test=[])
    paint(root, 1)
    for path in (root, root / "region_descriptions.json"):
        dataset = read(path)
        assert (dataset.name, dataset.photos[0].captions) == (
            "visual-genome",
            ("a dog on grass", "a dog on grass", "two cats"),
        )
    text = build_report(read(root)).to_text()
    assert "read as Visual Genome regions\n" in text
    assert "boxes without an area: 1\n" in text
    assert "are 0.0% of the 10 words in the training captions" in text
    assert "words per caption    min 2, p25 2, median 4, p75 4, p95 4, max 4\n" in text


def test_invalid_files_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="no such file or folder"):
        read_regions(tmp_path / "absent", format="visual-genome")
    (tmp_path / "captions.json").write_text('[{"file_path": "a.jpg", "captions": ["x"]}]')
    with pytest.raises(DataError, match=r"expected Flickr30k Entities .* or Visual Genome .* but it is neither"):
        read_regions(tmp_path / "captions.json")
    with pytest.raises(DataError, match="unknown format of region captions 'coco'"):
        read_regions(tmp_path, format="coco")
    root = write(tmp_path / "vg", {1: [region(1, 1, 1, 0, 5)]})
    paint(root, 1)
    with pytest.raises(DataError, match=r"no photo with a region; the first problem: .*is 0 wide"):
        read_regions(root)
    with pytest.raises(DataError, match="captions: expected only with Flickr30k Entities"):
        read_regions(root, captions=tmp_path)
    (root / "region_descriptions.json").write_text('[{"id": 1, "regions": [')
    with pytest.raises(DataError, match="after 0 objects: expected JSON"):
        read_regions(root)


numbers = st.integers(-50, 90) | st.floats() | st.none() | st.text(max_size=2)
rows = st.builds(region, st.integers(1, 9), numbers, numbers, numbers, numbers, st.text(max_size=5) | st.none())


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(rows | st.none() | st.lists(st.integers(), max_size=2), max_size=6))
def test_kept_boxes_are_within_the_photo(tmp_path_factory, found):
    root = write(tmp_path_factory.mktemp("vg"), {1: [*found, region(99, 0, 0, 9, 9)]})
    dataset = read_regions(root, require_photos=False)
    kept = dataset.photos[0].regions
    for one in kept:
        x0, y0, x1, y1 = one.box
        assert 0 <= x0 < x1 <= 40
        assert 0 <= y0 < y1 <= 20
        assert one.phrases[0].strip()
    cut = sum(problem.message.endswith("; clipped") for problem in dataset.problems)
    assert len(kept) + len(dataset.problems) - cut == len(found) + 1
