from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seetell.data.voc import AnnotatedObject, annotation_xml, parse_annotation, read_voc
from seetell.errors import DataError
from seetell.results import Region

DOG = Region("dog", (47.0, 239.0, 195.0, 371.0), 0.875)

BOX = "<bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox>"
PUBLISHED = f"""<annotation><folder>VOC2007</folder><filename>000001.jpg</filename>
<size><width>353</width><height>500</height><depth>3</depth></size><segmented>0</segmented>
<object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>{BOX}</object>
<object><name>person</name><difficult>1</difficult><part><name>head</name>{BOX}</part>
<bndbox><xmin>8</xmin><ymin>12</ymin><xmax>352</xmax><ymax>498.6</ymax></bndbox></object></annotation>"""


def test_a_published_file_counts_pixels_from_one():
    annotation, problems = parse_annotation(PUBLISHED.encode(), "000001.xml")
    assert annotation is not None
    assert (annotation.file_name, annotation.size, problems) == ("000001.jpg", (353, 500), [])
    assert annotation.objects == (
        AnnotatedObject("dog", (47, 239, 195, 371)),
        AnnotatedObject("person", (7, 11, 352, 498.6), difficult=True),
    )


def test_it_is_written_as_published():
    written = annotation_xml("000001.jpg", (353, 500), [DOG], folder="VOC2007").decode()
    flat = "".join(written.split())
    assert flat.startswith("<annotation><folder>VOC2007</folder><filename>000001.jpg</filename>")
    assert "".join(BOX.split()) in flat


sides = st.integers(1, 300)
texts = st.text(min_size=1).filter(lambda text: text.strip() == text)


@pytest.mark.slow
@given(size=st.tuples(sides, sides), name=texts, shares=st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=3))
def test_what_is_written_is_read_back(size, name, shares):
    regions = []
    for a, b, c, d in shares:
        left, right = sorted((round(a * size[0]), round(b * size[0])))
        top, bottom = sorted((round(c * size[1]), round(d * size[1])))
        if left < right and top < bottom:
            regions.append(Region(name, (left, top, right, bottom), round(a, 6)))
    annotation, problems = parse_annotation(annotation_xml(name, size, regions), "1.xml")
    assert annotation is not None
    assert (annotation.size, problems) == (size, [])
    assert [(each.box, each.score) for each in annotation.objects] == [(each.box, each.score) for each in regions]
    readable = name.isprintable()
    assert not readable or {each.name for each in annotation.objects} <= {name}


def test_edges_are_whole_pixels_within_the_photo():
    thin = Region("line", (9.9, 0.0, 10.0, 0.2), 1.0)
    annotation, _ = parse_annotation(annotation_xml("1.jpg", (10, 10), [thin]), "1.xml")
    assert annotation is not None
    assert annotation.objects[0].box == (9, 0, 10, 1)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "expected XML"),
        (b"\xff\xfe", "expected XML"),
        (b"<annotation>", "expected XML"),
        (b"<a>" * 100_000, "expected XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><annotation/>', "has a document type"),
        (b"<annotation/>", "does not state the photo's size"),
        (b"<a><size><width>nan</width><height>3</height></size></a>", "does not state the photo's size"),
        (b"<a><size><width>9e99</width><height>3</height></size></a>", "does not state the photo's size"),
    ],
)
def test_hostile_files_are_one_problem(raw: bytes, said: str):
    annotation, (problem,) = parse_annotation(raw, "1.xml")
    assert annotation is None
    assert said in problem.message


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("<object></object>", "has no name"),
        ("<object><name>dog</name></object>", "expected xmin, ymin, xmax, ymax in order, got nothing"),
        (f"<object><name>dog</name>{BOX.replace('48', 'inf')}</object>", "got 'inf'"),
        (f"<object><name>dog</name>{BOX.replace('48', '400')}</object>", "in order"),
        (f"<object><name>dog</name>{BOX.replace('48', '190').replace('195', '196')}</object>", "has no area"),
    ],
)
def test_an_object_without_a_box_is_skipped(item: str, said: str):
    raw = f"<annotation><size><width>180</width><height>500</height></size>{item}</annotation>"
    annotation, (problem,) = parse_annotation(raw.encode(), "1.xml")
    assert annotation is not None
    assert annotation.objects == ()
    assert said in problem.message


def data_set(folder: Path) -> Path:
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    for number in ("000001", "000002"):
        Image.new("RGB", (353, 500)).save(folder / "JPEGImages" / f"{number}.jpg")
        (folder / "Annotations" / f"{number}.xml").write_text(PUBLISHED.replace("000001", number))
    (folder / "ImageSets" / "Main" / "val.txt").write_text("000002\n")
    (folder / "ImageSets" / "Main" / "dog_val.txt").write_text("000001 -1\n")
    return folder


def test_a_data_set_has_its_splits(tmp_path: Path):
    dataset = read_voc(data_set(tmp_path / "VOC2007"))
    assert [(photo.id, photo.split) for photo in dataset.photos] == [("000001.jpg", "train"), ("000002.jpg", "val")]
    assert (dataset.classes, dataset.problems) == (("dog",), ())
    assert dataset.photos[0].boxes == ((47 / 353, 239 / 500, 195 / 353, 371 / 500),)
    assert dataset.notes == ("2 difficult objects are left out",)


def test_a_photo_is_looked_for_in_its_folder_alone(tmp_path: Path):
    folder = data_set(tmp_path / "VOC2007")
    Image.new("RGB", (353, 500)).save(tmp_path / "secret.jpg")
    for number, name in (("000001", "../../secret.jpg"), ("000002", str(tmp_path / "secret.jpg"))):
        (folder / "Annotations" / f"{number}.xml").write_text(PUBLISHED.replace("000001.jpg", name))
    with pytest.raises(DataError, match=r"none of its photos is there; give their folder as --photos"):
        read_voc(folder)


def test_another_folder_is_no_such_data_set(tmp_path: Path):
    with pytest.raises(DataError, match="expected Pascal VOC"):
        read_voc(tmp_path / "absent")
    with pytest.raises(DataError, match="none of its photos is there"):
        read_voc(tmp_path)
