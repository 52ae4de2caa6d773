from __future__ import annotations

import math

import pytest

from seetell.language.tokenizer import tokenize
from seetell.tasks.captioning.confidence import (
    CERTAIN,
    UNKNOWN,
    Calibration,
    Evidence,
    Logistic,
    evidence,
    logit,
    things_named,
)

THINGS = {"grass": 0.0, "street": 0.5, "dog": 0.0}
PRESENCE = {"person": 3.0, "dog": -1.5, "hot dog": -4.0}
WORDS = {"grass": 0.5, "street": 0.01, "dog": 0.9, "red": 0.3}


def test_a_logistic_regression():
    regression = Logistic.from_dict({"intercept": 1.0, "weights": {"presence": 2.0}})
    assert regression({"presence": 0.5, "other": 9.0}) == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert Logistic.from_dict(regression.to_dict()) == regression
    assert regression({"presence": -1e9}) > 0  # and no overflow
    with pytest.raises(KeyError):
        Logistic.from_dict({"weights": {}})
    with pytest.raises(ValueError, match="finite"):
        Logistic.from_dict({"intercept": float("nan"), "weights": {}})


def test_things_are_the_words_that_name_no_object_class():
    assert things_named(tokenize("A dog on the grass by a red street."), THINGS) == ["grass", "street"]


def test_the_least_likely_class_and_thing_count():
    found = evidence(tokenize("A man and his dog on the grass of a street."), -0.5, PRESENCE, WORDS, THINGS)
    assert found.objects == {"logprob": -0.5, "presence": -1.5}
    assert found.things == {"logprob": -0.5, "probability": pytest.approx(logit(0.01) + 0.5)}


def test_a_class_that_is_certain_is_not_surer_the_more_of_it_is_seen():
    found = evidence(tokenize("a man"), -0.5, {"person": 9.0}, WORDS, THINGS)
    assert found.objects == {"logprob": -0.5, "presence": CERTAIN}


def test_a_sentence_of_classes_alone_needs_no_things():
    assert evidence(tokenize("two dogs"), -1.0, PRESENCE, WORDS, THINGS) == Evidence(
        {"logprob": -1.0, "presence": -1.5}, None
    )


def test_a_sentence_that_names_nothing_known_is_no_sure_one():
    found = evidence(tokenize("a thing in the background"), -1.0, PRESENCE, WORDS, THINGS)
    assert found.objects is None
    assert found.things is not None
    assert found.things["probability"] == logit(UNKNOWN)


def calibration() -> Calibration:
    return Calibration(
        objects=Logistic(0.0, {"presence": 1.0}),
        things=Logistic(0.0, {"probability": 1.0}),
        words=THINGS,
        object=Logistic(0.0, {"presence": 1.0}),
        scene=Logistic(0.0, {"probability": 1.0}),
    )


def test_the_confidence_is_made_of_the_product_of_both():
    both = calibration()
    assert both.parts(Evidence({"presence": 0.0}, None)) == (pytest.approx(0.5), 1.0)
    assert both.confidence(Evidence({"presence": 0.0}, {"probability": 0.0})) == pytest.approx(0.25)
    assert both.confidence(Evidence({"presence": 0.0}, None)) == pytest.approx(0.5)
    likely = evidence(tokenize("a man on the grass"), -1.0, PRESENCE, WORDS, THINGS)
    unlikely = evidence(tokenize("a man on the street"), -1.0, PRESENCE, WORDS, THINGS)
    assert both.confidence(likely) > both.confidence(unlikely)


def test_a_calibration_is_a_setting_of_a_bundle():
    both = calibration()
    assert Calibration.from_dict(both.to_dict()) == both
    with pytest.raises(KeyError):
        Calibration.from_dict({"objects": both.objects.to_dict()})
    with pytest.raises(ValueError, match="finite"):
        Calibration.from_dict({**both.to_dict(), "words": {"grass": float("inf")}})
    with pytest.raises(ValueError, match=r"unknown feature of scene 'presence'.*probability"):
        Calibration.from_dict({**both.to_dict(), "scene": both.object.to_dict()})
