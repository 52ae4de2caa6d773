from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.cider import cider
from seetell.metrics.frequencies import DocumentFrequencies


def words(sentence: str) -> list[str]:
    return sentence.split()


REFERENCES = [
    [words("a dog runs on a hill"), words("the dog")],
    [words("a cat on a hill")],
    [words("a dog on a hill"), ["sky"]],
]
CANDIDATES = [words("a dog on a hill"), words("the cat on a hill"), ["sky"]]


def test_frequencies_count_photos_not_sentences():
    frequencies = DocumentFrequencies.build([[words("a a dog"), words("a dog")], [words("the a a")], [["a"]]])
    assert frequencies.photos == 3
    assert frequencies.counts == {("a",): 3, ("a", "a"): 2}  # all others are of one photo, which weighs as if unseen


def test_ngrams_have_one_to_four_words():
    counts = DocumentFrequencies.build([[words("a b c d e")]] * 2).counts
    assert sorted(map(len, counts)) == [1] * 5 + [2] * 4 + [3] * 3 + [4] * 2
    assert set(counts.values()) == {2}


def test_a_corpus_cannot_hold_more_photos_with_a_word_than_photos():
    with pytest.raises(DataError, match="3 of 2 photos"):
        DocumentFrequencies(2, {("a",): 3})


def test_what_was_saved_gives_the_same_scores(tmp_path: Path):
    frequencies = DocumentFrequencies.build(REFERENCES)
    path = tmp_path / "frequencies.json"
    frequencies.save(path)
    loaded = DocumentFrequencies.load(path)
    assert loaded == frequencies
    assert loaded.counts[("a", "hill")] == 3
    for plain in (False, True):
        own = cider(REFERENCES, CANDIDATES, plain=plain)
        assert own.min() > 0
        np.testing.assert_array_equal(cider(REFERENCES, CANDIDATES, frequencies=frequencies, plain=plain), own)
        np.testing.assert_array_equal(cider(REFERENCES, CANDIDATES, frequencies=loaded, plain=plain), own)


def test_words_of_other_scripts_and_odd_words_survive(tmp_path: Path):
    odd = {("été", "1\u00a01/2"): 2, ('"', "\\"): 2, ("", "a"): 2}
    DocumentFrequencies(2, odd).save(tmp_path / "odd.json")
    assert DocumentFrequencies.load(tmp_path / "odd.json").counts == odd


def test_words_with_spaces_cannot_be_saved(tmp_path: Path):
    with pytest.raises(DataError, match="words without spaces"):
        DocumentFrequencies(2, {("a dog",): 2}).save(tmp_path / "frequencies.json")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "expected document frequencies as JSON"),
        ("[]", "expected document frequencies {"),
        (json.dumps({"photos": "2", "counts": {}}), "expected document frequencies {"),
        (json.dumps({"photos": 2, "counts": {"a": 1.5}}), "expected document frequencies {"),
        (json.dumps({"photos": 2, "counts": {"a": 3}}), "3 of 2 photos"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path: Path, content: str, message: str):
    path = tmp_path / "frequencies.json"
    path.write_text(content, "utf-8")
    with pytest.raises(DataError, match=message):
        DocumentFrequencies.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"absent\.json: cannot be read"):
        DocumentFrequencies.load(tmp_path / "absent.json")
    with pytest.raises(DataError, match="cannot be written"):
        DocumentFrequencies(1, {}).save(tmp_path)
