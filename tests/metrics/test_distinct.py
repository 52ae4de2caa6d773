from __future__ import annotations

from seetell.metrics.distinct import distinct_ngrams


def words(sentence: str) -> list[str]:
    return sentence.split()


def test_distinct_ngrams_are_counted_over_words():
    captions = [words("a dog runs"), words("a dog sleeps")]
    assert distinct_ngrams(captions, 1) == 4 / 6  # a, dog, runs, sleeps
    assert distinct_ngrams(captions, 2) == 3 / 6  # a dog, dog runs, dog sleeps
    assert distinct_ngrams(captions, 4) == 0.0


def test_no_ngram_reaches_over_the_end_of_a_caption():
    assert distinct_ngrams([["a"], ["b"]], 2) == 0.0


def test_without_words_nothing_is_distinct():
    assert distinct_ngrams([[], []], 1) == 0.0
