from __future__ import annotations

import pytest

from seetell.metrics.meteor.words import Synonyms

SYNSETS = ["box", "1 2", "boxes", "3", "smile", "4", "fire", "5", "fireman", "6", "glass", "7", "go", "8", "as", "9"]
EXCEPTIONS = ["go", "went gone", "goe", "gone", "smile", "smiles"]


@pytest.mark.parametrize(
    ("word", "meanings"),
    [
        ("box", "12"),
        ("boxes", "123"),
        ("smiling", "4"),
        ("smiled", "4"),
        ("firemen", "6"),
        ("fires", "5"),
        ("glasss", ""),
        ("went", "8"),
        ("gone", "8"),
        ("smiles", "4"),
        ("as", "9"),
        ("cat", ""),
        ("s", ""),
    ],
)
def test_meanings_of_a_word_and_of_its_base(word: str, meanings: str):
    assert Synonyms(SYNSETS, EXCEPTIONS).meanings(word) == set(meanings)
