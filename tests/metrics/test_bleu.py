from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.bleu import bleu


def words(sentence: str) -> list[str]:
    return sentence.split()


def test_a_worked_example():
    # 5 of 6 words, 3 of 5 pairs, 1 of 4 triples; the candidate is no shorter than the reference
    reference = words("the cat is on the mat")
    scores = bleu([[reference]], [words("the cat sat on the mat")])
    expected = [5 / 6, math.sqrt(5 / 6 * 3 / 5), (5 / 6 * 3 / 5 * 1 / 4) ** (1 / 3), 0.0]
    np.testing.assert_allclose(scores.corpus[:3], expected[:3], rtol=1e-8)
    assert scores.corpus[3] < 1e-3
    np.testing.assert_array_equal(scores.per_photo[0], scores.corpus)


def test_a_word_counts_no_more_often_than_in_one_reference():
    scores = bleu([[words("the cat the"), words("the mat")]], [words("the the the the")])
    assert scores.corpus[0] == pytest.approx(2 / 4)


def test_of_two_references_equally_close_the_shorter_counts():
    scores = bleu([[words("a b c d"), words("a b")]], [words("a b c")])
    assert scores.corpus[0] == pytest.approx(1.0)  # against length 4 the penalty would be exp(1 - 4/3)


def test_a_short_candidate_is_penalised():
    assert bleu([[words("a b c d")]], [["a", "b"]]).corpus[0] == pytest.approx(math.exp(1 - 4 / 2))


def test_the_corpus_is_no_mean_of_its_photos():
    references = [[words("a b c d")], [["e"]]]
    scores = bleu(references, [words("a b c x"), ["e"]])
    assert scores.corpus[0] == pytest.approx(4 / 5)
    assert scores.per_photo[:, 0].mean() == pytest.approx((3 / 4 + 1) / 2)


def test_an_empty_candidate_scores_nothing():
    np.testing.assert_allclose(bleu([[["a"]]], [[]]).corpus, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("references", "candidates", "message"),
    [
        ([], [], "at least one photo"),
        ([[["a"]]], [], "0 candidates and references of 1 photos"),
        ([[["a"]], []], [["a"], ["b"]], "photo 1 has none"),
    ],
)
def test_what_does_not_fit_is_refused(references: list[list[list[str]]], candidates: list[list[str]], message: str):
    with pytest.raises(DataError, match=message):
        bleu(references, candidates)
