from __future__ import annotations

import numpy as np
import pytest

from seetell.language.hypotheses import Hypothesis
from seetell.language.phrases import word_mask
from seetell.language.vocabulary import Vocabulary
from seetell.metrics.dense import METEORS
from seetell.tasks.dense_captioning.phrases import (
    FUNCTION_WORDS,
    PRONOUNS,
    THRESHOLDS,
    choose,
    likeness,
    repeats_word,
)

WORDS = Vocabulary(("<end>", "<start>", "<unk>", "a", "dog", "brown", "its", "cat", "small", "mouth"), 1)
FUNCTION = word_mask(WORDS.words, FUNCTION_WORDS)


def padded(*phrases: str) -> np.ndarray:
    rows = [WORDS.encode(phrase.split()) for phrase in phrases]
    longest = max(map(len, rows))
    return np.array([[row + [-1] * (longest - len(row)) for row in rows]])


def hypothesis(phrase: str, logprob: float) -> Hypothesis:
    tokens = tuple(WORDS.encode(phrase.split()))
    return Hypothesis(tokens, (logprob / len(tokens),) * len(tokens), logprob, logprob)


def test_thresholds_are_those_of_the_metric():
    assert THRESHOLDS == METEORS


def test_masks_name_pronouns_and_function_words():
    assert np.flatnonzero(word_mask(WORDS.words, PRONOUNS)).tolist() == [6]
    assert np.flatnonzero(FUNCTION).tolist() == [3, 6]


@pytest.mark.parametrize("pronoun", ["one", "ones", "other", "others", "another", "something", "someone", "each"])
def test_what_stands_for_another_phrase_is_a_pronoun(pronoun: str):
    assert pronoun in PRONOUNS


@pytest.mark.parametrize(
    ("phrase", "repeats"), [("brown a brown dog", True), ("a dog a cat", False), ("a small brown dog", False)]
)
def test_a_content_word_is_said_once(phrase: str, repeats: bool):
    assert repeats_word(WORDS.encode(phrase.split()), FUNCTION) == repeats


def test_likeness_is_meteor_on_equal_words():
    (alike,) = likeness(padded("a dog", "a brown dog", "cat"), FUNCTION)
    np.testing.assert_allclose(np.diag(alike), 1.0)
    # "a dog" against "a brown dog": both words match in two chunks; precision 1, recall (.25 + .75) / 1.75
    recall = 1.0 / 1.75
    mean = recall / (0.85 + 0.15 * recall)
    assert alike[0, 1] == pytest.approx(mean * (1 - 0.6 * 1.0**0.2))
    # the other way round precision and recall change places
    assert alike[1, 0] == pytest.approx(recall / (0.85 * recall + 0.15) * (1 - 0.6))
    assert alike[0, 2] == alike[2, 0] == 0.0


def test_the_phrase_most_like_the_others_is_chosen():
    ranked = [
        [hypothesis("a cat", -1.0), hypothesis("a dog", -1.2), hypothesis("a brown dog", -1.3)],
        [hypothesis("a small cat", -1.0)],
    ]
    first, second = choose(ranked, FUNCTION, temperature=1.0)
    assert first.hypothesis == ranked[0][2]  # has all words of "a dog", and METEOR favours recall
    assert 0.5 < first.likeness < 1.0
    assert (second.hypothesis, second.likeness) == (ranked[1][0], 1.0)


def test_a_low_temperature_chooses_the_most_probable():
    ranked = [[hypothesis("a cat", -1.0), hypothesis("a dog", -1.2), hypothesis("a brown dog", -1.3)]]
    assert choose(ranked, FUNCTION, temperature=0.01)[0].hypothesis == ranked[0][0]
    assert choose([], FUNCTION, temperature=1.0) == []
