from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from seetell.data.entity_objects import BOXABLE, read_entity_nouns
from seetell.data.objects import read_objects
from seetell.data.reading import read
from seetell.errors import DataError

SENTENCES = """\
[/EN#1/people A man] feeds [/EN#2/animals two rocks] in [/EN#3/scene the rain] .
[/EN#1/people A guy] likes [/EN#0/notvisual it] near [/EN#2/animals his rocks] with [/EN#4/other/clothing a hat] .
[/EN#1/people The man] sees [/EN#2/animals a rock] .
"""
ANNOTATION = """\
<annotation><filename>11.jpg</filename><size><width>40</width><height>20</height><depth>3</depth></size>
<object><name>1</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>21</xmin><ymin>11</ymin><xmax>30</xmax><ymax>20</ymax></bndbox></object>
<object><name>2</name><bndbox><xmin>31</xmin><ymin>1</ymin><xmax>40</xmax><ymax>10</ymax></bndbox></object>
<object><name>3</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>40</xmax><ymax>20</ymax></bndbox></object>
<object><name>4</name><bndbox><xmin>5</xmin><ymin>1</ymin><xmax>10</xmax><ymax>4</ymax></bndbox></object>
</annotation>
"""


@pytest.fixture
def entities(tmp_path: Path) -> Path:
    """Twelve photos of the same, two of which validate."""
    for name, ending, text in (("Annotations", "xml", ANNOTATION), ("Sentences", "txt", SENTENCES)):
        (tmp_path / name).mkdir()
        for number in range(12):
            (tmp_path / name / f"{number}.{ending}").write_text(text)
            Image.new("RGB", (80, 40)).save(tmp_path / f"{number}.jpg")
    (tmp_path / "val.txt").write_text("0\n1\n")
    (tmp_path / "train.txt").write_text("".join(f"{number}\n" for number in range(2, 12)))
    return tmp_path


def test_each_box_is_an_object_of_its_type_but_for_scenes(entities: Path):
    dataset = read_objects(entities)
    assert set(dataset.classes) == set(BOXABLE)
    assert len(dataset.split("val")) == 2
    photo = dataset.split("val")[0]
    assert photo.classes == ("people", "animals", "animals", "other")  # the first of a phrase's types
    assert photo.boxes[:2] == ((0.0, 0.0, 0.5, 1.0), (0.5, 0.5, 0.75, 1.0))


def test_nouns_are_what_most_phrases_say_in_the_singular_where_it_occurs(entities: Path):
    dataset = read_entity_nouns(entities, read(entities), fewest=10)
    assert dataset.classes == ("hat", "man", "rocks")  # two of three say rocks, and nobody's entity is a rock
    assert dataset.photos[0].classes == ("man", "rocks", "rocks", "hat")
    for number in range(2, 12):
        sentences = SENTENCES.replace("a hat", "a rock")
        (entities / "Sentences" / f"{number}.txt").write_text(sentences)
    dataset = read_entity_nouns(entities, read(entities), fewest=10)
    assert dataset.classes == ("man", "rock")
    assert dataset.split("val")[0].classes == ("man", "rock", "rock")  # a hat is not frequent any more
    with pytest.raises(DataError, match="no box of its nouns of 99 objects or more"):
        read_entity_nouns(entities, read(entities), fewest=99)


def test_colours_and_numbers_are_no_nouns(entities: Path):
    sentences = SENTENCES.replace("a hat", "black").replace("A guy", "One").replace("The man", "the other")
    for number in range(12):
        (entities / "Sentences" / f"{number}.txt").write_text(sentences)
    dataset = read_entity_nouns(entities, read(entities), fewest=1)
    assert dataset.classes == ("man", "rocks")
    assert dataset.photos[0].classes == ("man", "rocks", "rocks")
