from __future__ import annotations

import json

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.diversity import distinct_ngrams, measure_diversity, mutual_bleu


def words(sentence: str) -> list[str]:
    return sentence.split()


def test_one_caption_a_photo():
    said = {1: "A dog runs.", 2: "a dog runs", 3: "A cat sleeps on a chair."}
    found = measure_diversity(said, training=["a dog runs!", "A man."])
    assert found.captions == 3
    assert found.distinct == 2 / 3
    assert found.vocabulary == 7  # a dog runs cat sleeps on chair
    assert found.mean_length == 4
    assert found.div_1 == 7 / 12
    assert found.div_2 == 7 / 12  # a dog, dog runs, a cat, cat sleeps, sleeps on, on a, a chair
    assert found.novel == 1 / 3
    assert found.of_one_photo is None


def test_several_captions_of_one_photo():
    said = {1: ["A dog runs.", "The cat sleeps."], 2: ["a b c d", "a b c d"], 3: ["alone"]}
    found = measure_diversity(said)
    assert found.captions == 5
    assert found.novel is None
    photo = found.of_one_photo
    assert photo is not None
    assert photo.photos == 2
    assert photo.div_1 == (1 + 1 / 2) / 2
    assert photo.div_2 == (4 / 6 + 3 / 8) / 2
    assert photo.mbleu == pytest.approx(1 / 2, abs=1e-3)
    assert photo.self_cider == pytest.approx(1 / 2)
    assert json.loads(json.dumps(found.to_dict()))["of_one_photo"]["photos"] == 2


def test_no_captions_are_refused():
    with pytest.raises(DataError, match="at least one caption"):
        measure_diversity({1: []})


def test_distinct_ngrams_are_counted_over_words():
    captions = [words("a dog runs"), words("a dog sleeps")]
    assert distinct_ngrams(captions, 1) == 4 / 6  # a, dog, runs, sleeps
    assert distinct_ngrams(captions, 2) == 3 / 6  # a dog, dog runs, dog sleeps
    assert distinct_ngrams(captions, 4) == 0.0


def test_no_ngram_reaches_over_the_end_of_a_caption():
    assert distinct_ngrams([["a"], ["b"]], 2) == 0.0


def test_without_words_nothing_is_distinct():
    assert distinct_ngrams([[], []], 1) == 0.0


def test_mbleu_by_hand():
    # 2 of 4 words and 1 of 3 pairs stand in the other caption, both ways; equal lengths
    varied = [words("a b c d"), words("a b e f")]
    same = [words("a b c d")] * 3
    scores = mutual_bleu([varied, same])
    np.testing.assert_allclose(scores[0, :2], [1 / 2, np.sqrt(1 / 2 * 1 / 3)], rtol=1e-8)
    np.testing.assert_allclose(scores[1], 1.0, rtol=1e-8)


def test_mbleu_compares_each_caption_with_all_others():
    scores = mutual_bleu([[["a", "b"], ["a", "c"], ["b", "c"]]])  # each finds one word in each other: together both
    assert scores[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("captions", "message"), [([], "at least one photo"), ([[["a"], ["b"]], [["a"]]], "photo 1 has 1")]
)
def test_mbleu_refuses_one_caption_alone(captions: list[list[list[str]]], message: str):
    with pytest.raises(DataError, match=message):
        mutual_bleu(captions)
