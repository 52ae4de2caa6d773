"""The words in images go behind their captions, and take the place of those that are withheld."""

from __future__ import annotations

import pytest

from seetell.results import Caption, Region, Regions
from seetell.tasks.reading import MATTERS, Written, with_words, written_in

SIGN = Caption("a red sign on a pole", (), -3.0, "toy", confidence=0.9)
PAGE = Caption("", (), float("nan"), "toy", reason="no photo: text or a drawing")
STOP = Written(("STOP", "ALL  WAY"), 0.1)


def test_what_is_written_and_how_much_of_the_image_it_covers():
    lines = (Region("STOP", (0, 0, 50, 20), 0.9), Region("now", (0, 50, 100, 60), 0.8))
    assert written_in(Regions(lines, (100, 100), "toy")) == Written(("STOP", "now"), pytest.approx(0.2))
    assert written_in(Regions((), (100, 100), "toy")) == Written((), 0.0)


def test_words_follow_the_sentence():
    said = with_words(SIGN, STOP)
    assert said.text == "a red sign on a pole with the words “STOP ALL WAY”"
    assert said.confidence == 0.9
    assert said.to_dict()["written"] == ["STOP", "ALL  WAY"]
    assert with_words(Caption("A sign.", (), -1.0, "toy"), STOP).text == "A sign with the words “STOP ALL WAY”"


def test_words_take_the_place_of_a_withheld_caption():
    said = with_words(PAGE, STOP)
    assert (said.text, said.reason, said.kind, said.confidence) == ("the words “STOP ALL WAY”", "", "written", None)
    assert said.to_dict()["caption"] == "the words “STOP ALL WAY”"


@pytest.mark.parametrize("caption", [SIGN, PAGE])
def test_without_words_a_caption_stays(caption):
    assert with_words(caption, Written((), 0.0)).text == caption.text
    few = with_words(caption, Written(("tiny",), 0.001), least_share=MATTERS)
    assert (few.text, few.reason, few.written) == (caption.text, caption.reason, ("tiny",))
    assert "written" not in caption.to_dict()


def test_long_texts_are_cut_between_words():
    long = Written((" ".join(["word"] * 100),), 0.5)
    said = with_words(SIGN, long, longest=80).text
    assert len(said) <= 80
    assert said.endswith("word…”")
    assert len(with_words(Caption("x" * 200, (), -1.0, "toy"), long, longest=80).text) < 260  # some words all the same
