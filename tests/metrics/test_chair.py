from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import DataError, UsageError
from seetell.language.tokenizer import tokenize
from seetell.metrics.chair import CLASSES, ChairScores, chair, objects_named


def words(sentence: str) -> list[str]:
    return tokenize(sentence)


def corpus(scores: ChairScores) -> list[float]:
    return scores.combine(scores.statistics.sum(axis=0, keepdims=True))[0].tolist()


def test_the_classes_are_coco_s():
    assert len(CLASSES) == 80
    assert CLASSES[:3] == ("person", "bicycle", "car")
    assert CLASSES[-1] == "toothbrush"


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_named_by_its_own_name(name: str):
    sentence = "an orange on a plate" if name == "orange" else f"there is one {name}"
    assert objects_named(words(sentence)) == [name]


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
    assert objects_named(words(sentence)) == named


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
    assert objects_named(words(sentence)) == []


def test_a_couple_of_things_is_no_couple():
    assert objects_named(words("a couple of zebras")) == ["zebra"]
    assert objects_named(words("a couple on a bench")) == ["person", "bench"]


def test_orange_is_a_fruit_only_as_a_noun():
    assert objects_named(words("oranges in a bowl")) == ["orange", "bowl"]
    assert objects_named(words("an orange")) == ["orange"]
    assert objects_named(words("an orange cat")) == ["cat"]


def test_a_young_animal_is_no_person():
    assert objects_named(words("a baby elephant with its mother")) == ["elephant", "person"]
    assert objects_named(words("a mother bear and a baby")) == ["bear", "person"]
    assert objects_named(words("a family of giraffes")) == ["giraffe"]
    assert objects_named(words("a family of four")) == ["person"]


def test_no_words_name_nothing():
    assert objects_named([]) == []


def test_a_worked_example():
    references = [[words("A cat sleeps."), words("A kitten on a sofa")], [words("A man surfs.")]]
    candidates = [words("a cat and a dog on a couch near a dog"), words("a surfer in the water")]
    scores = chair(references, candidates)
    # dog and dog of cat, dog, couch, dog; none of surfer
    np.testing.assert_array_equal(scores.statistics, [[2, 4, 1, 1], [0, 1, 0, 1]])
    assert corpus(scores) == [2 / 5, 1 / 2]
    assert scores.names == ("CHAIRi", "CHAIRs")


def test_an_object_with_a_box_is_present():
    candidates = [words("a cat beside a vase")]
    assert corpus(chair([[words("a cat")]], candidates)) == [0.5, 1.0]
    assert corpus(chair([[words("a cat")]], candidates, boxed=[{"vase"}])) == [0.0, 0.0]
    assert corpus(chair([[]], candidates, boxed=[{"vase"}])) == [0.5, 1.0]


def test_a_caption_without_objects_hallucinates_nothing():
    assert corpus(chair([[words("a cat")], [words("a dog")]], [[], words("grass")])) == [0.0, 0.0]


def test_any_choice_of_photos_adds_up():
    scores = chair([[words("a cat")], [words("a cat")]], [words("a dog"), words("a cat and a cat")])
    sums = np.stack([scores.statistics[0], scores.statistics[0] + scores.statistics[1]])
    np.testing.assert_allclose(scores.combine(sums), [[1, 1], [1 / 3, 1 / 2]])


def test_invalid_arguments_are_refused():
    with pytest.raises(DataError, match="got 1, 2 and 2"):
        chair([[]], [[], []])
    with pytest.raises(UsageError, match="'wolf'"):
        chair([[]], [[]], boxed=[{"wolf"}])
