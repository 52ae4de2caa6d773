from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.errors import UsageError
from seetell.language.phrases import FUNCTION_WORDS, segment_sentence


def cut(sentence: str, regions: dict[str, int], **options) -> list[str]:
    """Cut a sentence whose words each prefer a region of three by 1; the words not named prefer none."""
    tokens = sentence.split()
    scores = np.zeros((len(tokens), 3))
    for place, token in enumerate(tokens):
        if token in regions:
            scores[place, regions[token]] = 1
    options = {"beta": 0.0, **options}
    return [" ".join(tokens[start:stop]) for start, stop in segment_sentence(tokens, scores, **options)]


def test_phrases_begin_with_their_function_words():
    assert cut("a brown dog runs on the grass", {"dog": 1, "grass": 2}) == ["a brown dog runs", "on the grass"]
    assert cut("the sea is behind them", {"sea": 1}) == ["the sea is behind them"]


def test_no_adjective_is_cut_off_its_noun():
    assert cut("a big red ball", {"red": 2, "big": 1, "ball": 0}) == ["a big red ball"]
    assert cut("a black and white dog", {"black": 1, "white": 2}) == ["a black and white dog"]
    assert cut("two dogs are running", {"dogs": 1, "running": 2}) == ["two dogs are running"]


def test_of_ties_a_noun_to_what_went_before():
    assert cut("a group of the children", {"group": 1, "children": 2}) == ["a group of the children"]
    assert cut("running out of a tent", {"running": 1, "tent": 2}) == ["running", "out of a tent"]


def test_a_word_is_not_cut_off_its_like():
    assert cut("dogs run side by side on grass", {"dogs": 1, "side": 0, "grass": 2}) == [
        "dogs run side by side",
        "on grass",
    ]


def test_function_words_are_ignored():
    assert cut("a dog on the grass", {"dog": 1, "grass": 1, "on": 2, "the": 2}) == ["a dog on the grass"]


def test_neither_have_words_the_model_does_not_know():
    known = [True, True, True, True, False]
    assert cut("a dog on the wug", {"dog": 1, "wug": 2}, known=known) == ["a dog on the wug"]
    assert cut("a dog on the wug", {"dog": 1, "wug": 2}) == ["a dog", "on the wug"]


def test_beta_joins_chunks():
    regions = {"dog": 1, "grass": 2}
    assert cut("a dog on the grass", regions, beta=1.0) == ["a dog", "on the grass"]
    assert cut("a dog on the grass", regions, beta=3.0) == ["a dog on the grass"]


def test_without_a_content_word_there_are_no_phrases():
    assert cut("it is on the", {}) == []
    assert cut("wug", {}, known=[False]) == []


@given(st.lists(st.sampled_from(["a", "of", "on", "is", "and", "dog", "red", "sea"]), min_size=1, max_size=12))
def test_phrases_cover_the_sentence_and_each_has_a_content_word(tokens):
    scores = np.random.default_rng(len(tokens)).normal(size=(len(tokens), 4))
    found = segment_sentence(tokens, scores)
    if not found:
        assert set(tokens) <= FUNCTION_WORDS
        return
    assert (found[0][0], found[-1][1]) == (0, len(tokens))
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    assert all(set(tokens[start:stop]) - FUNCTION_WORDS for start, stop in found)


def test_a_negative_beta_is_refused():
    with pytest.raises(UsageError, match="beta"):
        segment_sentence(["dog"], np.ones((1, 2)), beta=-1.0)
