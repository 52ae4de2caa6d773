from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

import seetell
from seetell.language.object_names import CLASSES
from seetell.language.tokenizer import tokenize
from seetell.results import Caption
from seetell.tasks.captioning.confidence import Calibration, Logistic
from seetell.tasks.captioning.keywords import keyword_of, keywords, nouns_as_keywords

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CALIBRATION = Calibration(
    objects=Logistic(0.0, {"presence": 1.0}),
    things=Logistic(0.0, {"probability": 1.0}),
    words={},
    object=Logistic(0.0, {"presence": 1.0}),
    scene=Logistic(0.0, {"probability": 1.0}),
)


def confirmed(sentence: str, words: dict[str, float] | None = None, **presence: float) -> tuple[str, ...]:
    """The keywords where the classes have these logits, ``_`` standing for a blank; all others are absent."""
    logits = {name.replace("_", " "): value for name, value in presence.items()}
    return keywords(tokenize(sentence), CALIBRATION, {name: logits.get(name, -5.0) for name in CLASSES}, words or {})


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("Two brown dogs run through the grass.", ("dog", "grass")),
        ("a poodle and two puppies", ("dog", "poodle", "puppy")),
        ("a woman and three men with a boy", ("person",)),
        ("a surfer rides a wave", ("person", "surfer")),
        ("two toddlers play with a football", ("person", "child", "ball", "football")),
        ("people watch tv at a dining table", ("person", "tv", "table")),
        ("leaves in the woods", ("leaf", "forest")),
        ("a fire truck near a swimming pool", ("truck", "pool")),
        ("a man eats ice cream in a living room", ("person", "ice cream", "living room")),
        ("a stop sign and a hot dog", ("stop sign", "hot dog")),
        ("a mouse on a train track", ("mouse",)),
        ("something strange is happening over there", ()),
        ("", ()),
    ],
)
def test_nouns_are_in_the_singular_and_neither_vague_nor_guesses(sentence: str, found: tuple[str, ...]):
    assert keywords(tokenize(sentence)) == found
    assert nouns_as_keywords(Caption(sentence, (), -1.0, "tiny")).keywords == found


def test_less_is_asked_of_what_the_sentence_names():
    assert confirmed("a dog", dog=0.5) == ("dog",)  # 0.62
    assert confirmed("a dog", dog=0.3) == ()  # 0.57
    assert confirmed("a wall", dog=2.1) == ()  # 0.89
    assert confirmed("a wall", dog=2.3) == ("dog",)  # 0.91
    assert confirmed("snow", {"snow": 0.41}) == ("snow",)
    assert confirmed("snow", {"snow": 0.39}) == ()
    assert confirmed("grass", {"snow": 0.79, "grass": 0.1}) == ()
    assert confirmed("grass", {"snow": 0.81, "grass": 0.1}) == ("snow",)


def test_a_more_precise_word_needs_a_detector_of_its_own():
    assert confirmed("a poodle", dog=4.0) == ("dog",)
    assert confirmed("a skier", {"skier": 0.6}, person=4.0) == ("person", "skier")
    assert confirmed("a skier", {"skier": 0.1}, person=4.0) == ("person",)


def test_any_form_of_a_word_confirms_it_and_those_of_the_sentence_come_first():
    found = confirmed("flowers beside two chairs", {"flowers": 0.5, "snowy": 0.9}, chair=2.0, cat=5.0, dog=4.0)
    assert found == ("flower", "chair", "cat", "dog", "snow")


def test_parts_of_an_objects_name_are_none():
    words = {"sign": 0.9, "fire": 0.95, "man": 0.99, "standing": 0.99}
    assert confirmed("a fire hydrant", words, fire_hydrant=3.0, stop_sign=3.0) == ("fire hydrant", "stop sign")


def test_words_that_name_nothing_stand_for_no_keyword():
    assert [keyword_of(word) for word in ("standing", "man", "blue", "trees", "surfers")] == [
        "",
        "",
        "",
        "tree",
        "surfer",
    ]


@pytest.mark.slow
def test_the_bundled_captioner_tells_them():
    captioner = seetell.load()
    photos = [EXAMPLES / "dog.jpg", EXAMPLES / "cat.jpg"]
    assert [caption.keywords for caption in captioner.caption_many(photos)] == [None, None]
    dog, cat = captioner.caption_many(photos, keywords=True)
    assert "dog" in dog.keywords
    assert "cat" in cat.keywords
    withheld = captioner.caption(EXAMPLES / "dog.jpg", keywords=True, min_confidence=1.0)
    assert withheld.reason
    assert withheld.keywords == dog.keywords
    assert withheld.to_dict()["keywords"] == list(dog.keywords)
    blank = captioner.caption(Image.new("RGB", (300, 300), "white"), keywords=True)
    assert (blank.text, blank.keywords) == ("", ())
