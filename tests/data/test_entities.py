from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from seetell.data import CaptionDataset, PhotoRecord, read
from seetell.data.entities import read_entities
from seetell.data.entity_records import Entity, photo_phrases
from seetell.data.report import build_report
from seetell.errors import DataError
from seetell.language.reading import tokens_read

Paint = Callable[[Path, list[str]], Path]

SENTENCES = """\
[/EN#1/people A man] feeds [/EN#2/animals two dogs] in [/EN#3/scene the rain] .
[/EN#1/people He] likes [/EN#0/notvisual it] .
"""
ANNOTATION = """\
<annotation><filename>{id}.jpg</filename><size><width>40</width><height>20</height><depth>3</depth></size>
<object><name>1</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>21</xmin><ymin>11</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>31</xmin><ymin>11</ymin><xmax>40</xmax><ymax>20</ymax></bndbox></object>
<object><name>3</name><scene>1</scene><nobndbox>0</nobndbox></object>
</annotation>
"""


def write_entities(root: Path, ids: list[str]) -> Path:
    for name in ("Annotations", "Sentences"):
        (root / name).mkdir(parents=True)
    for number in ids:
        (root / "Annotations" / f"{number}.xml").write_text(ANNOTATION.format(id=number))
        (root / "Sentences" / f"{number}.txt").write_text(SENTENCES)
    return root


def write_photos(folder: Path, names: list[str], size: tuple[int, int] = (20, 40)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", size, (number, 0, 0)).save(folder / name)
    return folder


def pack(root: Path) -> None:
    """Put the folders into archives and take them away."""
    for name in ("Annotations", "Sentences"):
        with tarfile.open(root / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(root / name, name)
        for path in (root / name).iterdir():
            path.unlink()
        (root / name).rmdir()


@pytest.mark.parametrize("packed", [False, True])
def test_boxes_are_scaled_to_the_file(tmp_path: Path, packed: bool):
    root = write_entities(tmp_path / "entities", ["11", "12"])
    if packed:
        pack(root)
    folder = write_photos(tmp_path / "photos", ["11_abc.jpg"])
    captions = CaptionDataset("mine", folder, (PhotoRecord("x", folder / "11_abc.jpg", ("A man .",), "val"),))
    dataset = read_entities(root, captions)
    assert not dataset.problems
    (photo,) = dataset.split("val")
    assert dataset.split("train") == ()
    assert photo.photo is captions.photos[0]
    assert (photo.size, photo.stated_size) == ((20, 40), (40, 20))
    assert photo.entities == {
        "1": Entity("1", ((0, 0, 10, 40),)),
        "2": Entity("2", ((10, 20, 15, 40), (15, 20, 20, 40))),
        "3": Entity("3", scene=True),
    }
    assert [(sentence.words(phrase), len(boxes)) for sentence, phrase, boxes in photo.located()] == [
        (("A", "man"), 1),
        (("two", "dogs"), 2),
        (("He",), 1),
    ]
    assert photo.boxes_of(photo.sentences[1].phrases[1]) == ()


def test_a_turned_photo_counts_upright(tmp_path: Path):
    root = write_entities(tmp_path, ["11"])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 40)).save(root / "11.jpg", exif=exif)
    (photo,) = read_entities(root, read(root)).photos
    assert photo.size == photo.stated_size == (40, 20)
    assert photo.entities["1"].boxes == ((0, 0, 20, 20),)


def test_photos_without_annotations_or_that_do_not_open_are_listed(tmp_path: Path):
    root = write_entities(tmp_path, ["11", "12"])
    write_photos(root, ["11.jpg", "13.jpg"])
    (root / "12.jpg").write_bytes(b"")
    photos = tuple(PhotoRecord(number, root / f"{number}.jpg", ("x",), "train") for number in (11, 12, 13))
    dataset = read_entities(root, CaptionDataset("mine", root, photos))
    assert [photo.photo.id for photo in dataset.photos] == [11]
    assert [(problem.kind, Path(problem.where).name) for problem in dataset.problems] == [
        ("unreadable-photo", "12.jpg"),
        ("missing-annotation", "13.jpg"),
    ]
    with pytest.raises(DataError, match=r"of the 1 photos of .* none has sentences and boxes in it"):
        read_entities(root, CaptionDataset("mine", root, photos[2:]))
    with pytest.raises(DataError, match="unknown split 'dev'"):
        dataset.split("dev")


def test_sentences_are_captions(tmp_path: Path):
    root = write_entities(tmp_path, [str(number) for number in range(10, 13)])
    write_photos(root / "flickr30k-images", ["10.jpg", "11.jpg", "12_abc.jpg"])
    for split, listed in {"train": "10", "val": "11.jpg", "test": "12"}.items():
        (root / f"{split}.txt").write_text(f"{listed}\n")
    dataset = read(root)
    assert (dataset.name, dataset.format, dataset.problems) == ("flickr30k-entities", "Flickr30k Entities", ())
    assert [(photo.id, photo.path.name, photo.split) for photo in dataset.photos] == [
        ("10", "10.jpg", "train"),
        ("11", "11.jpg", "val"),
        ("12", "12_abc.jpg", "test"),
    ]
    assert dataset.photos[0].captions == ("A man feeds two dogs in the rain .", "He likes it .")
    assert dataset.notes == (
        "15 phrases of 9 entities; 6 entities have 9 boxes, 3 are flagged as the scene, 0 as without a box",
    )
    assert len(read_entities(root, dataset).photos) == 3


def test_every_error_is_reported_and_does_not_affect_the_others(tmp_path: Path):
    root = write_entities(tmp_path, [str(number) for number in range(10, 18)])
    write_photos(root / "images", [f"{number}.jpg" for number in range(10, 17)] + ["11_other.jpg"])
    (root / "Sentences" / "10.txt").unlink()
    (root / "Annotations" / "11.xml").write_text("<annotation>")
    (root / "Annotations" / "12.xml").write_text(ANNOTATION.replace("<xmax>20<", "<xmax>50<"))
    (root / "Annotations" / "13.xml").write_text(ANNOTATION.replace("<scene>1<", "<scene>0<"))
    (root / "Sentences" / "14.txt").write_text(f"{SENTENCES}[/EN#9/robots It] rains .\n[/EN#1/people A man .\n")
    dataset = read(root)
    assert [photo.id for photo in dataset.photos] == ["11", "12", "13", "14", "15", "16"]
    assert [(problem.kind, problem.where.removeprefix(f"{root}/")) for problem in dataset.problems] == [
        ("malformed", "11.xml"),
        ("box-outside-photo", "12.xml: object 1"),
        ("unknown-type", "14.txt:3"),
        ("malformed", "14.txt:4"),
        ("missing-annotation", "11.txt"),
        ("entity-without-box", "13.txt:1"),
        ("entity-without-box", "14.txt:3"),
        ("missing-annotation", "10.xml"),
        ("duplicate-photo", "images/11_other.jpg"),
        ("missing-photo", "17.txt"),
    ]
    assert "boxes that extend beyond their photo: 1\n" in build_report(dataset).to_text()
    assert [photo.photo.id for photo in read_entities(root, dataset).photos] == ["12", "13", "14", "15", "16"]


def test_half_of_the_files_is_no_such_data_set(tmp_path: Path):
    root = write_entities(tmp_path, ["11"])
    (root / "Sentences" / "11.txt").unlink()
    (root / "Sentences").rmdir()
    with pytest.raises(DataError, match="expected a Flickr8k/30k folder"):
        read(root)
    with pytest.raises(
        DataError, match=r"the folders or \.tar\.gz archives Annotations and Sentences, .* no Sentences"
    ):
        read(root, format="entities")


@pytest.mark.nightly
def test_the_real_entities(flickr8k: Path):
    root = flickr8k.parent / "flickr30k_entities"
    if not root.is_dir():
        pytest.skip(f"no Flickr30k Entities at {root}; set SEETELL_DATA to the folder that holds flickr30k_entities/")
    dataset = read_entities(root, read(flickr8k))
    assert (len(dataset.photos), dataset.problems) == (7000, ())
    assert [len(dataset.split(split)) for split in ("train", "val")] == [6000, 1000]
    assert sum(len(sentence.phrases) for photo in dataset.photos for sentence in photo.sentences) == 109_028
    assert sum(1 for photo in dataset.photos for _ in photo.located()) == 91_034
    for photo in dataset.split("val"):
        for words in photo_phrases(photo, max_words=24).sentences:
            assert tuple(tokens_read(" ".join(words))) == words
    for photo in dataset.photos[::50]:
        width, height = photo.size
        for entity in photo.entities.values():
            assert entity.boxes or entity.scene or entity.nobox
            assert all(0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height for x0, y0, x1, y1 in entity.boxes)
