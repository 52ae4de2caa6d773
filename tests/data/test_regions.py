from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seetell.data import CaptionDataset, PhotoRecord
from seetell.data.records import RegionPhoto, RegionRecord
from seetell.data.regions import read_regions
from seetell.errors import DataError

SENTENCES = """\
[/EN#1/people A man] feeds [/EN#2/animals two dogs] in [/EN#3/scene the rain] .
[/EN#1/people He] likes [/EN#0/notvisual it] near [/EN#4/people a farmer] and [/EN#9/other a cow] .
"""
ANNOTATION = """\
<annotation><filename>11.jpg</filename><size><width>40</width><height>20</height><depth>3</depth></size>
<object><name>1</name><name>4</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>21</xmin><ymin>11</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>35</xmin><ymin>6</ymin><xmax>40</xmax><ymax>15</ymax></bndbox></object>
<object><name>3</name><scene>1</scene><nobndbox>0</nobndbox></object>
</annotation>
"""


def write(root: Path, *numbers: str) -> Path:
    for name, ending, text in (("Annotations", "xml", ANNOTATION), ("Sentences", "txt", SENTENCES)):
        (root / name).mkdir(parents=True)
        for number in numbers:
            (root / name / f"{number}.{ending}").write_text(text)
    return root


EXPECTED = (
    RegionRecord((0.0, 0.0, 20.0, 20.0), ("A man", "He", "a farmer")),
    RegionRecord((20.0, 5.0, 40.0, 20.0), ("two dogs",)),
)


def test_an_entity_is_a_region_with_the_phrases_of_all_sentences(tmp_path: Path):
    root = write(tmp_path, "11", "12")
    Image.new("RGB", (40, 20)).save(root / "11.jpg")
    Image.new("RGB", (20, 20)).save(root / "12.jpg")
    (root / "val.txt").write_text("11\n")
    (root / "train.txt").write_text("12\n")
    dataset = read_regions(root)
    assert (dataset.name, dataset.format) == ("flickr30k-entities", "Flickr30k Entities, as regions")
    assert dataset.split("val") == (RegionPhoto("11", root / "11.jpg", (40, 20), EXPECTED, "val"),)
    (other,) = dataset.split("train")
    assert [region.box for region in other.regions] == [(0, 0, 10, 20), (10, 5, 20, 20)]
    assert [problem.kind for problem in dataset.problems] == ["entity-without-box"] * 2
    captions = dataset.captions()
    assert captions.photos[0] == PhotoRecord("11", root / "11.jpg", ("A man", "He", "a farmer", "two dogs"), "val")
    assert (captions.problems, captions.single_split) == (dataset.problems, False)


def test_photos_and_splits_of_another_data_set(tmp_path: Path):
    root = write(tmp_path / "entities", "11")
    table = tmp_path / "captions.csv"
    table.write_text("image,caption,split\n11_a.jpg,A man feeds two dogs,test\n")
    Image.new("RGB", (40, 20)).save(tmp_path / "11_a.jpg")
    for captions in (
        table,
        str(table),
        CaptionDataset("x", table, (PhotoRecord(7, tmp_path / "11_a.jpg", ("x",), "test"),)),
    ):
        (photo,) = read_regions(root, captions=captions).photos
        assert (photo.path, photo.regions, photo.split) == (tmp_path / "11_a.jpg", EXPECTED, "test")
    (tmp_path / "11_a.jpg").rename(tmp_path / "11_b.jpg")
    (photo,) = read_regions(root, captions=table, require_photos=False).photos
    assert (photo.size, photo.regions) == ((40, 20), EXPECTED)


def test_photos_without_a_box(tmp_path: Path):
    root = write(tmp_path, "11", "12")
    for number in ("11", "12"):
        Image.new("RGB", (40, 20)).save(root / f"{number}.jpg")
    (root / "Sentences" / "12.txt").write_text("[/EN#3/scene The rain] falls .\n")
    dataset = read_regions(root)
    assert [photo.id for photo in dataset.photos] == ["11"]
    assert dataset.problems[-1].kind == "photo-without-caption"
    assert dataset.single_split
    assert dataset.split("test") == dataset.photos
    (root / "Sentences" / "11.txt").write_text("[/EN#3/scene The rain] falls .\n")
    with pytest.raises(DataError, match=r"no photo of .* has a phrase with a box"):
        read_regions(root)


def test_a_region_photo_has_a_known_split(tmp_path: Path):
    with pytest.raises(DataError, match="unknown split 'dev'"):
        RegionPhoto(1, tmp_path, (1, 1), (), "dev")


@pytest.mark.nightly
def test_the_real_entities(flickr8k: Path):
    root = flickr8k.parent / "flickr30k_entities"
    if not root.is_dir():
        pytest.skip(f"no Flickr30k Entities at {root}; set SEETELL_DATA to the folder that holds flickr30k_entities/")
    dataset = read_regions(root, captions=flickr8k)
    regions = [region for photo in dataset.photos for region in photo.regions]
    assert (len(dataset.photos), len(regions), dataset.problems) == (7000, 34_043, ())
    assert sum(len(region.phrases) for region in regions) == 91_034
