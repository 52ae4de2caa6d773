from __future__ import annotations

import math

import numpy as np
import pytest

from seetell.errors import DataError
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


def test_frequencies_count_photos_not_sentences():
    frequencies = DocumentFrequencies.build([[words("a a dog"), words("a dog")], [["a"]]])
    assert frequencies.photos == 2
    assert frequencies.counts[("a",)] == 2
    assert frequencies.counts[("a", "dog")] == 1
    assert frequencies.counts[("a", "a", "dog")] == 1
    assert ("dog", "a") not in frequencies.counts


def test_frequencies_of_the_references_themselves_change_nothing():
    references = [[words("a dog runs on a hill"), words("the dog")], [words("a cat on a hill")], [["sky"]]]
    candidates = [words("a dog on a hill"), words("the cat on a hill"), ["sky"]]
    own = cider(references, candidates)
    np.testing.assert_allclose(cider(references, candidates, frequencies=DocumentFrequencies.build(references)), own)
    assert own.min() > 0


def test_a_corpus_cannot_hold_more_photos_with_a_word_than_photos():
    with pytest.raises(DataError, match="3 of 2 photos"):
        DocumentFrequencies(2, {("a",): 3})


def test_empty_sentences_score_nothing():
    assert cider([[[]], [words("a cat")]], [[], []]).tolist() == [0.0, 0.0]
    assert cider([[[]]], [[]]).tolist() == [0.0]
