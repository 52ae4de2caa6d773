from __future__ import annotations

import pytest

from seetell.language.sentence import sentence


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
    assert sentence(words) == text
