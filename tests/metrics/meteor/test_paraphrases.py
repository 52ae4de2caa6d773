from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from seetell.errors import DataError
from seetell.metrics.meteor import matching
from seetell.metrics.meteor.matching import read_paraphrases

ENTRIES = [
    ("many", "a lot of"),
    ("many", "several"),
    ("a lot of", "many"),
    ("many", "quite a few"),
    ("café", "a bar"),
    ("one two three four five six seven", "many"),
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "table.gz"
    text = "".join(f"0.25\n{phrase}\n{other}\n" for phrase, other in ENTRIES)
    file.write_bytes(gzip.compress(text.encode()))
    return file


def test_entries_are_kept_if_both_phrases_occur_in_the_sentences(table: Path):
    found = read_paraphrases(table, [["many", "dogs"], ["a", "lot", "of", "dogs"], ["several"], ["quite", "few"]])
    assert found == {"many": {"a lot of": 0, "several": 1}, "a lot of": {"many": 0}, "several": {}}


def test_phrases_of_seven_words_and_other_scripts(table: Path):
    sentences = ["x one two three four five six seven y many", "a bar", "café"]
    found = read_paraphrases(table, [sentence.split() for sentence in sentences])
    assert found["one two three four five six seven"] == {"many": 0}
    assert found["café"] == {"a bar": 0}


@pytest.mark.parametrize("chunk", [1, 7, 50])
def test_entries_may_lie_across_what_is_read_at_once(table: Path, chunk: int, monkeypatch: pytest.MonkeyPatch):
    sentences = [phrase.split() for entry in ENTRIES for phrase in entry]
    whole = read_paraphrases(table, sentences)
    assert sum(map(len, whole.values())) == len(ENTRIES)
    monkeypatch.setattr(matching, "_CHUNK", chunk)
    assert read_paraphrases(table, sentences) == whole


def test_a_damaged_table_is_an_error(table: Path):
    table.write_bytes(table.read_bytes()[:-12])
    with pytest.raises(DataError, match="cannot be read"):
        read_paraphrases(table, [["many"]])
    table.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="cannot be read"):
        read_paraphrases(table, [["many"]])
