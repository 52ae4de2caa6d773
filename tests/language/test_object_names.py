from __future__ import annotations

import pytest

from seetell.language.object_names import CLASSES, object_mentions, object_phrases, objects_named, plurals
from seetell.language.tokenizer import tokenize


def test_the_classes_are_coco_s():
    assert len(CLASSES) == 80
    assert CLASSES[:3] == ("person", "bicycle", "car")
    assert CLASSES[-1] == "toothbrush"


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_named_by_its_own_name(name: str):
    sentence = "an orange on a plate" if name == "orange" else f"there is one {name}"
    assert objects_named(tokenize(sentence)) == [name]


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("Two men ride their bikes past a woman.", ["person", "bicycle", "person"]),
        ("three knives, two geese and some calves", ["knife", "bird", "cow"]),
        ("a man eats a hot dog", ["person", "hot dog"]),
        ("hotdogs and doughnuts", ["hot dog", "donut"]),
        ("a teddy bear beside a polar bear", ["teddy bear", "bear"]),
        ("glasses of wine near a wine glass", ["wine glass", "wine glass"]),
        ("a cell phone on a coffee table", ["cell phone", "dining table"]),
        ("a cup of coffee", ["cup"]),
        ("the catcher's mitt", ["baseball glove"]),
        ("a dirt bike", ["motorcycle"]),
        ("a pair of scissors", ["scissors"]),
        ("a person on skis skiing down a ski slope", ["person", "skis"]),
    ],
)
def test_synonyms_plurals_and_phrases(sentence: str, named: list[str]):
    assert objects_named(tokenize(sentence)) == named


@pytest.mark.parametrize(
    "sentence",
    [
        "empty train tracks",
        "a roll of toilet paper",
        "a street light at a bus stop",
        "a bed of flowers",
        "a basketball hoop",
        "an orange wall",
        "a jet ski",
        "black and orange stripes",
    ],
)
def test_a_phrase_that_only_contains_a_name_mentions_nothing(sentence: str):
    assert objects_named(tokenize(sentence)) == []


def test_a_couple_of_things_is_no_couple():
    assert objects_named(tokenize("a couple of zebras")) == ["zebra"]
    assert objects_named(tokenize("a couple on a bench")) == ["person", "bench"]


def test_orange_is_a_fruit_only_as_a_noun():
    assert objects_named(tokenize("oranges in a bowl")) == ["orange", "bowl"]
    assert objects_named(tokenize("an orange")) == ["orange"]
    assert objects_named(tokenize("an orange cat")) == ["cat"]


def test_a_young_animal_is_no_person():
    assert objects_named(tokenize("a baby elephant with its mother")) == ["elephant", "person"]
    assert objects_named(tokenize("a mother bear and a baby")) == ["bear", "person"]
    assert objects_named(tokenize("a family of giraffes")) == ["giraffe"]
    assert objects_named(tokenize("a family of four")) == ["person"]


def test_no_words_name_nothing():
    assert objects_named([]) == []


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("person", "people"),
        ("bus", "buses"),
        ("bench", "benches"),
        ("wine glass", "wine glasses"),
        ("cup of coffee", "cups of coffee"),
        ("knife", "knives"),
        ("sheep", "sheep"),
        ("skis", "skis"),
        ("fireman", "firemen"),
        ("puppy", "puppies"),
    ],
)
def test_the_first_plural_is_the_usual_one(name: str, plural: str):
    assert plurals(name)[0] == plural


def test_the_phrases_cannot_be_changed():
    assert object_phrases()["hot", "dogs"] == "hot dog"
    assert object_phrases()["train", "track"] == ""
    with pytest.raises(TypeError):
        object_phrases()["cat",] = "dog"  # type: ignore[index]


def test_where_the_phrases_are():
    tokens = ["two", "men", "eat", "a", "hot", "dog", "by", "a", "train", "track"]
    assert [(name, tokens[begin:end]) for name, begin, end in object_mentions(tokens)] == [
        ("person", ["men"]),
        ("hot dog", ["hot", "dog"]),
    ]
