from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies


def words(sentence: str) -> list[str]:
    return sentence.split()


REFERENCES = [[words("a dog")], [words("a cat")]]


def test_a_worked_example():
    # "a" stands in both photos and weighs nothing, so that the first candidate's single words agree wholly with its
    # reference, as do its pairs; orders 3 and 4 have nothing: (1 + 1 + 0 + 0) / 4, times 10
    np.testing.assert_allclose(cider(REFERENCES, [words("a dog"), words("a bird")]), [5.0, 0.0])


def test_repeating_a_word_is_clipped_and_its_length_penalised():
    # single words: min(3, 1) · 1 / (3 · 1) = 1/3; pairs: none in common; lengths differ by 2 pairs against 1
    scores = cider(REFERENCES, [words("dog dog dog"), words("a cat")])
    assert scores[0] == pytest.approx(10 * (1 / 3) / 4 * math.exp(-1 / 72))


def test_references_are_averaged():
    references = [[words("a dog"), words("a horse")], [words("a cat")]]
    # rare words log 2 each, "a" nothing: single words and pairs agree wholly with one of two references
    assert cider(references, [words("a dog"), []])[0] == pytest.approx(10 * (2 / 4) / 2)


def test_one_photo_alone_scores_nothing():
    assert cider([[words("a dog")]], [words("a dog")]).tolist() == [0.0]


def test_one_photo_alone_scores_with_the_frequencies_of_a_corpus():
    frequencies = DocumentFrequencies.build(REFERENCES)
    assert cider([[words("a dog")]], [words("a dog")], frequencies=frequencies).tolist() == pytest.approx([5.0])


def test_empty_sentences_score_nothing():
    assert cider([[[]], [words("a cat")]], [[], []]).tolist() == [0.0, 0.0]
    assert cider([[[]]], [[]]).tolist() == [0.0]


def textbook_cider(references: list[list[list[str]]], candidates: list[list[str]]) -> list[float]:
    """Equations 1 to 3 as they stand, n-gram by n-gram, times 10."""

    def ngrams(tokens: list[str], order: int) -> Counter[tuple[str, ...]]:
        return Counter(tuple(tokens[start : start + order]) for start in range(len(tokens) - order + 1))

    def vector(tokens: list[str], order: int) -> dict[tuple[str, ...], float]:
        counts = ngrams(tokens, order)
        photos = {gram: sum(any(gram in ngrams(s, order) for s in said) for said in references) for gram in counts}
        total = sum(counts.values())
        return {gram: n / total * math.log(len(references) / max(1, photos[gram])) for gram, n in counts.items()}

    def cosine(one: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> float:
        norm = math.hypot(*one.values()) * math.hypot(*other.values())
        return sum(weight * other.get(gram, 0.0) for gram, weight in one.items()) / norm if norm else 0.0

    return [
        10
        * sum(cosine(vector(said, order), vector(one, order)) for order in (1, 2, 3, 4) for one in people)
        / (4 * len(people))
        for people, said in zip(references, candidates, strict=True)
    ]


def test_plain_cider_neither_clips_nor_minds_lengths():
    # single words point the same way whatever their number: 1; no other order has anything in common
    scores = cider(REFERENCES, [words("dog dog dog"), words("a cat")], plain=True)
    assert scores.tolist() == pytest.approx([10 / 4, 5.0])


SENTENCE = st.lists(st.sampled_from("abcd"), max_size=8)
PHOTO = st.tuples(st.lists(SENTENCE, min_size=1, max_size=3), SENTENCE)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(PHOTO, min_size=1, max_size=5))
def test_plain_cider_is_that_of_the_paper(photos: list[tuple[list[list[str]], list[str]]]):
    references, candidates = [people for people, _ in photos], [said for _, said in photos]
    np.testing.assert_allclose(
        cider(references, candidates, plain=True), textbook_cider(references, candidates), rtol=0, atol=1e-9
    )
