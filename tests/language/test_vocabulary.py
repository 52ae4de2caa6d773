from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.errors import BundleError
from seetell.language.vocabulary import END, SPECIALS, START, UNK, Vocabulary, detokenise

SENTENCES = [["a", "dog", "runs"], ["a", "cat", "runs"], ["a", "bird"], ["the", "dog"]]
WORDS = st.lists(st.lists(st.text("abcdé", min_size=1, max_size=3), max_size=6), max_size=8)


def test_the_specials_come_first_then_words_by_count_then_by_alphabet():
    vocabulary = Vocabulary.build(SENTENCES, min_count=1)
    assert vocabulary.words == (*SPECIALS, "a", "dog", "runs", "bird", "cat", "the")
    assert [vocabulary.words[number] for number in (END, START, UNK)] == ["<end>", "<start>", "<unk>"]
    assert len(vocabulary) == 9


def test_rare_words_are_left_out_and_become_unk():
    vocabulary = Vocabulary.build(SENTENCES, min_count=2)
    assert vocabulary.words == (*SPECIALS, "a", "dog", "runs")
    assert vocabulary.min_count == 2
    assert vocabulary.encode(["a", "cat", "runs"]) == [3, UNK, 5]


def test_decoding_stops_at_the_end():
    vocabulary = Vocabulary.build(SENTENCES, min_count=1)
    assert vocabulary.decode([3, 4, END, 5]) == ["a", "dog"]
    assert vocabulary.decode([]) == []


def test_pieces_of_text_may_occur_twice_and_say_so(tmp_path: Path):
    pieces = Vocabulary((*SPECIALS, " dog", "s", "", "", "s"), pieces=True)
    pieces.save(tmp_path / "vocabulary.json")
    assert Vocabulary.load(tmp_path / "vocabulary.json") == pieces
    assert "".join(pieces.decode([3, 4, 5])) == " dogs"
    words = Vocabulary((*SPECIALS, "dog"))
    assert json.loads(words.to_json()) == {"min_count": 1, "words": [*SPECIALS, "dog"]}
    assert Vocabulary((*SPECIALS, "dog"), pieces=True).hash != words.hash


def test_a_special_among_the_words_is_not_added_twice():
    assert Vocabulary.build([["<unk>", "dog"]], min_count=1).words == (*SPECIALS, "dog")


@pytest.mark.slow
@given(WORDS, st.integers(1, 3))
def test_what_was_kept_comes_back(sentences: list[list[str]], min_count: int):
    vocabulary = Vocabulary.build(sentences, min_count=min_count)
    for sentence in sentences:
        numbers = vocabulary.encode(sentence)
        assert START not in numbers
        assert END not in numbers
        expected = [word if word in vocabulary.words else "<unk>" for word in sentence]
        assert vocabulary.decode(numbers) == expected


@pytest.mark.slow
@given(WORDS)
def test_the_order_of_sentences_does_not_matter(sentences: list[list[str]]):
    assert Vocabulary.build(sentences, min_count=1) == Vocabulary.build(sentences[::-1], min_count=1)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path):
    vocabulary = Vocabulary.build([*SENTENCES, ["café", "'s"]], min_count=1)
    path = tmp_path / "vocabulary.json"
    vocabulary.save(path)
    loaded = Vocabulary.load(path)
    assert loaded == vocabulary
    assert loaded.hash == vocabulary.hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads(path.read_text(encoding="utf-8"))["words"][3] == "a"


def test_the_hash_depends_on_the_order_of_words():
    assert Vocabulary((*SPECIALS, "a", "b")).hash != Vocabulary((*SPECIALS, "b", "a")).hash


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"words": ["a"], "min_count": 1}',
        '{"words": 3, "min_count": 1}',
        '{"words": ["<end>"]}',
        "no JSON",
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(BundleError, match=r"vocabulary"):
        Vocabulary.load(path)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(BundleError, match=r"absent\.json"):
        Vocabulary.load(tmp_path / "absent.json")


def test_words_are_unique():
    with pytest.raises(BundleError, match=r"\['dog'\]"):
        Vocabulary((*SPECIALS, "dog", "dog"))


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], ""),
        (["a", "dog"], "a dog"),
        (["a", "dog", "'s", "ball"], "a dog's ball"),
        (["it", "is", "n't", "they", "'re"], "it isn't they're"),
        (["'s"], "'s"),
    ],
)
def test_what_was_split_off_goes_back(words: list[str], text: str):
    assert detokenise(words) == text


def test_words_are_added_behind_its_own():
    vocabulary = Vocabulary.build([["a", "dog"]], min_count=1)
    more = vocabulary.with_words(["giraffe", "dog", "giraffe"])
    assert more.words == (*vocabulary.words, "giraffe")
    assert more.encode(["dog"]) == vocabulary.encode(["dog"])
