"""Scores of texts, worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.errors import DataError
from seetell.metrics.text import edit_distance, text_scores

TEXTS = st.text("ab!", max_size=6)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "abc", 0), ("flaw", "lawn", 2), ("a", "b", 1), ("ab", "ba", 2)],
)
def test_edit_distance(one, other, distance):
    assert edit_distance(one, other) == edit_distance(other, one) == distance


@given(TEXTS, TEXTS, TEXTS)
def test_edit_distance_is_a_metric(one, other, third):
    assert (edit_distance(one, other) == 0) == (one == other)
    assert edit_distance(one, third) <= edit_distance(one, other) + edit_distance(other, third)


def test_scores():
    scores = text_scores([("Stop!", "Stop!"), ("Stop!", "STOP"), ("exit", "exlt"), ("--", "-")])
    assert scores.word_accuracy == 1 / 4
    assert scores.alphanumeric_accuracy == 2 / 3  # "--" has neither letters nor digits
    assert scores.similarity == pytest.approx((1 + (1 - 4 / 5) + (1 - 1 / 4) + 1 / 2) / 4)
    assert scores.character_error_rate == pytest.approx((0 + 4 + 1 + 1) / 16)
    assert scores.words == 4


def test_signs_alone_have_no_alphanumeric_accuracy():
    assert math.isnan(text_scores([("!", "!")]).alphanumeric_accuracy)


def test_no_words():
    with pytest.raises(DataError, match="no words"):
        text_scores([])
