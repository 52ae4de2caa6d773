from __future__ import annotations

import pytest

from seetell.language.object_names import CLASSES
from seetell.tasks.captioning.confidence import Calibration, Logistic
from seetell.tasks.captioning.tag_reading import Reading, tag_reading

CALIBRATION = Calibration(
    objects=Logistic(0.0, {"presence": 1.0}),
    things=Logistic(0.0, {"probability": 1.0}),
    words={},
    object=Logistic(0.0, {"presence": 1.0}),
    scene=Logistic(0.0, {"probability": 1.0}),
)


def reading(least: float = 0.5, scenes: dict[str, float] | None = None, **found: tuple[float, int]) -> Reading | None:
    """Return the reading where the named classes have these logits and counts; ``_`` stands for a blank."""
    named = {name.replace("_", " "): values for name, values in found.items()}
    presence = {name: named.get(name, (-5.0, 0))[0] for name in CLASSES}
    counts = {name: named.get(name, (-5.0, 0))[1] for name in CLASSES}
    return tag_reading(CALIBRATION, presence, counts, scenes or {}, min_confidence=least)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({"person": (4.0, 1)}, "a person"),
        ({"person": (4.0, 2)}, "two people"),
        ({"person": (4.0, 7)}, "several people"),
        ({"elephant": (4.0, 1)}, "an elephant"),
        ({"oven": (4.0, 0)}, "an oven"),
        ({"dining_table": (4.0, 1)}, "a table"),
        ({"tv": (4.0, 2)}, "two TVs"),
        ({"scissors": (4.0, 2)}, "scissors"),
        ({"scissors": (4.0, 1)}, "a pair of scissors"),
        ({"broccoli": (4.0, 1)}, "broccoli"),
        ({"knife": (4.0, 2), "fork": (5.0, 1)}, "a fork and two knives"),
        ({"cat": (4.0, 1), "couch": (5.0, 1), "remote": (4.5, 1)}, "a couch, a remote control and a cat"),
    ],
)
def test_objects_are_counted(found: dict[str, tuple[float, int]], text: str):
    said = reading(**found)
    assert said is not None
    assert said.text == text


def test_the_scene_is_said_with_its_preposition_or_alone():
    assert reading(scenes={"beach": 0.95, "field": 0.2}, dog=(4.0, 2)) == (
        "two dogs on a beach",
        pytest.approx(0.95 * 0.982, abs=1e-3),
    )
    alone = reading(scenes={"living": 0.95})
    assert alone is not None
    assert alone.text == "a living room"


def test_what_is_likeliest_is_said_and_what_is_nearly_certain_with_it():
    found = {"person": (4.0, 1), "dog": (2.5, 1), "kite": (0.0, 1)}
    texts = {least: reading(least, **found) for least in (0.95, 0.5, 0.3)}
    assert [said and said.text for said in texts.values()] == ["a person", "a person and a dog", "a person and a dog"]
    assert all(said is not None and said.confidence >= least for least, said in texts.items())
    alone = reading(0.4, kite=(0.0, 1))
    assert alone is not None
    assert (alone.text, alone.confidence) == ("a kite", pytest.approx(0.5))
    assert reading(0.6, kite=(0.0, 1)) is None


def test_at_most_three_objects_are_said():
    said = reading(0.5, scenes={"park": 0.98}, person=(5.0, 1), dog=(4.5, 1), kite=(4.2, 1), bench=(4.1, 1))
    assert said is not None
    assert said.text == "a person, a dog and a kite in a park"


def test_nothing_likely_is_nothing_said():
    assert reading(0.5) is None
