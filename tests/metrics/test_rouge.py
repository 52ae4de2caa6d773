from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.metrics.rouge import rouge

WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


def words(sentence: str) -> list[str]:
    return sentence.split()


def longest_common_subsequence(one: list[str], other: list[str]) -> int:
    """The table of the textbook."""
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1][j + 1] = table[i][j] + 1 if a == b else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def combined(precision: float, recall: float) -> float:
    return (1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision) if precision else 0.0


def test_a_worked_example():
    # police … the gunman: 3 words in common order of 4 and 4
    scores = rouge([[words("police killed the gunman")]], [words("police kill the gunman")])
    assert scores.tolist() == pytest.approx([3 / 4])


def test_best_precision_and_best_recall_may_come_from_different_references():
    candidate = words("a b c d")
    references = [words("a b c x y z"), words("a b")]  # precision 3/4 and 2/4, recall 3/6 and 2/2
    assert rouge([references], [candidate]).tolist() == pytest.approx([combined(3 / 4, 1.0)])


def test_an_empty_sentence_equals_only_an_empty_one():
    assert rouge([[["a"]], [[]], [[]]], [[], ["a"], []]).tolist() == [0.0, 0.0, 1.0]


@given(WORDS.filter(len), WORDS.filter(len))
def test_agrees_with_the_table_of_subsequences(reference: list[str], candidate: list[str]):
    common = longest_common_subsequence(reference, candidate)
    expected = combined(common / len(candidate), common / len(reference))
    assert rouge([[reference]], [candidate]).tolist() == pytest.approx([expected])


def test_sentences_longer_than_a_machine_word():
    candidate = [f"w{number}" for number in range(200)]
    assert rouge([[candidate[::2]]], [candidate]).tolist() == pytest.approx([combined(0.5, 1.0)])
