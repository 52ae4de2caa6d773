from __future__ import annotations

import numpy as np
import pytest

from seetell.errors import DataError
from seetell.metrics.mbleu import mutual_bleu


def words(sentence: str) -> list[str]:
    return sentence.split()


def test_a_worked_example():
    # 2 of 4 words and 1 of 3 pairs stand in the other caption, both ways; equal lengths
    varied = [words("a b c d"), words("a b e f")]
    same = [words("a b c d")] * 3
    scores = mutual_bleu([varied, same])
    np.testing.assert_allclose(scores[0, :2], [1 / 2, np.sqrt(1 / 2 * 1 / 3)], rtol=1e-8)
    np.testing.assert_allclose(scores[1], 1.0, rtol=1e-8)


def test_each_caption_is_held_against_all_others():
    scores = mutual_bleu([[["a", "b"], ["a", "c"], ["b", "c"]]])  # each finds one word in each other: together both
    assert scores[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("captions", "message"), [([], "at least one photo"), ([[["a"], ["b"]], [["a"]]], "photo 1 has 1")]
)
def test_one_caption_alone_is_refused(captions: list[list[list[str]]], message: str):
    with pytest.raises(DataError, match=message):
        mutual_bleu(captions)
