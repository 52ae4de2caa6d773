"""The words in an image go behind their captions, and take the place of those that are withheld."""

from __future__ import annotations

import pytest

from seetell.results import Caption, Region, Regions
from seetell.tasks.reading import MATTERS, Line, certainty, lines_in, with_words

SIGN = Caption("a red sign on a pole", (), -3.0, "toy", confidence=0.9)
PAGE = Caption("", (), float("nan"), "toy", reason="no photo: text or a drawing")
UNSURE = Caption("", (), float("nan"), "toy", 0.31, reason="confidence 0.31 is below 0.7")
STOP = [Line("STOP", 0.06, 0.95), Line("ALL  WAY", 0.04, 0.8)]
GARBLED = [Line("LPMorggn POLOI", 0.1, 0.2)]


def test_what_is_written_and_how_much_of_the_image_it_covers():
    found = Regions((Region("STOP", (0, 0, 50, 20), 0.9), Region("now", (0, 50, 100, 60), 0.8)), (100, 100), "toy")
    stop, now = lines_in(found)
    assert (stop.text, stop.share, stop.certainty) == ("STOP", pytest.approx(0.1), certainty(0.9))
    assert (now.text, now.share) == ("now", pytest.approx(0.1))
    assert lines_in(Regions((), (100, 100), "toy")) == []


def test_a_line_is_the_more_certain_the_higher_its_score_is():
    assert 0 < certainty(0.7) < certainty(0.9) < certainty(1.0) < 1
    assert 0 <= certainty(0.0) < 0.1


def test_words_follow_the_sentence():
    said = with_words(SIGN, STOP)
    assert said.text == "a red sign on a pole with the words “STOP ALL WAY”"
    assert said.confidence == 0.9
    assert said.to_dict()["written"] == ["STOP", "ALL  WAY"]
    assert said.to_dict()["written_confidence"] == [0.95, 0.8]
    assert with_words(Caption("A sign.", (), -1.0, "toy"), STOP).text == "A sign with the words “STOP ALL WAY”"


def test_of_a_photo_only_certain_lines_are_told():
    assert with_words(SIGN, STOP, min_confidence=0.9).text == "a red sign on a pole with the words “STOP”"
    said = with_words(SIGN, GARBLED, min_confidence=0.7)
    assert (said.text, said.written, said.written_confidence) == (SIGN.text, ("LPMorggn POLOI",), (0.2,))


def test_words_take_the_place_of_a_withheld_caption():
    said = with_words(PAGE, STOP)
    assert (said.text, said.reason, said.kind, said.confidence) == ("the words “STOP ALL WAY”", "", "written", 0.8)
    assert said.to_dict()["caption"] == "the words “STOP ALL WAY”"


def test_a_photo_whose_caption_is_withheld_is_left_out_unless_words_are_certain():
    assert with_words(UNSURE, GARBLED, min_confidence=0.7).reason == UNSURE.reason
    said = with_words(UNSURE, STOP, min_confidence=0.9)
    assert (said.text, said.confidence) == ("the words “STOP”", 0.95)
    assert with_words(PAGE, GARBLED, min_confidence=0.7).text == "the words “LPMorggn POLOI”"


@pytest.mark.parametrize("caption", [SIGN, PAGE])
def test_without_words_a_caption_stays(caption):
    assert with_words(caption, []).text == caption.text
    few = with_words(caption, [Line("tiny", 0.001, 0.9)], least_share=MATTERS)
    assert (few.text, few.reason, few.written) == (caption.text, caption.reason, ("tiny",))
    mostly_unsure = [Line("tiny", 0.001, 0.9), *GARBLED]
    assert with_words(SIGN, mostly_unsure, min_confidence=0.7, least_share=MATTERS).text == SIGN.text
    assert "written" not in caption.to_dict()


def test_long_texts_are_cut_between_words():
    long = [Line(" ".join(["word"] * 100), 0.5, 0.9)]
    said = with_words(SIGN, long, longest=80).text
    assert len(said) <= 80
    assert said.endswith("word…”")
    assert len(with_words(Caption("x" * 200, (), -1.0, "toy"), long, longest=80).text) < 260  # some words all the same
