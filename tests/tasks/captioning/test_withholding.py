from __future__ import annotations

import numpy as np
import pytest

from seetell.results import Caption, Word
from seetell.tasks.captioning.confidence import Calibration, Logistic
from seetell.tasks.captioning.withholding import Rater, withheld

RATER = Rater(
    Calibration(
        objects=Logistic(0.0, {"presence": 1.0}),
        things=Logistic(0.0, {"probability": 1.0}),
        words={"beach": 0.0, "kitchen": 0.0},
        object=Logistic(0.0, {"presence": 1.0}),
        scene=Logistic(0.0, {"probability": 1.0}),
    ),
    objects=("person", "dog"),
    words=("beach", "kitchen", "a"),
)


def rated(text: str, presence: list[float], words: list[float], least: float) -> Caption:
    said = Caption(text, tuple(Word(word, -0.5) for word in text.split()), -3.0, "tiny")
    boxes = np.zeros((1, 2, 5), np.float32)
    boxes[..., 4] = 2
    tags = {
        "presence": np.array([presence], np.float32),
        "words": np.array([words], np.float32),
        "object_boxes": boxes,
    }
    (caption,) = RATER([said], tags, min_confidence=least)
    return caption


def test_every_caption_gets_its_confidence():
    caption = rated("a dog in a kitchen", [0, 1.0], [0.1, 0.5, 0.9], 0.0)
    assert (caption.text, caption.kind, caption.reason) == ("a dog in a kitchen", "sentence", "")
    assert caption.confidence == pytest.approx(0.731 * 0.5, abs=1e-3)


def test_a_caption_that_is_sure_enough_stays():
    assert rated("a dog on a beach", [0, 4.0], [0.9, 0.1, 0.9], 0.5).kind == "sentence"


def test_one_that_is_not_gives_way_to_the_tags():
    caption = rated("a man and two dogs in a kitchen", [-3.0, 4.0], [0.9, 0.01, 0.9], 0.5)
    assert (caption.text, caption.kind, caption.words) == ("two dogs on a beach", "tags", ())
    assert caption.confidence == pytest.approx(0.982 * 0.9, abs=1e-3)
    assert caption.model == "tiny"


def test_without_likely_tags_it_is_withheld():
    caption = rated("a man in a kitchen", [-3.0, -3.0], [0.1, 0.2, 0.9], 0.5)
    assert (caption.text, caption.words) == ("", ())
    assert caption.reason == "confidence 0.01 is below 0.5"
    assert str(caption) == caption.reason
    assert caption.confidence == pytest.approx(0.0474 * 0.2, abs=1e-3)


def test_an_impossible_ending_has_a_confidence_too():
    (caption,) = RATER(
        [Caption("a dog", (Word("a", -1.0), Word("dog", -1.0)), float("-inf"), "tiny")],
        {"presence": np.zeros((1, 2)), "words": np.zeros((1, 3)), "object_boxes": np.zeros((1, 2, 5))},
        min_confidence=0,
    )
    assert caption.confidence == pytest.approx(0.5)


def test_a_withheld_caption_has_neither_words_nor_probability():
    caption = withheld("no photo: text", "tiny")
    assert caption.to_dict() == {"caption": None, "reason": "no photo: text", "confidence": None, "model": "tiny"}
