from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.alt_text import LONGEST, alt_text


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a dog runs", "A dog runs."),
        ("A dog runs.", "A dog runs."),
        ("is it a dog ?", "Is it a dog ?"),
        ("a picture of a dog", "A dog."),
        ("This is an image showing two cats", "Two cats."),
        ("a photo of", "A photo of."),
        ("a man takes a picture of a dog", "A man takes a picture of a dog."),
        ("  a\n\tdog\0runs ", "A dog runs."),
        ("", ""),
        (" . ", ""),
        ("élan", "Élan."),
    ],
)
def test_captions_become_sentences(caption: str, expected: str):
    assert alt_text(caption) == expected


def test_long_captions_end_at_a_word():
    caption = " ".join(["dog"] * 40)
    assert alt_text(caption) == "D" + " ".join(["dog"] * 31)[1:] + "…"
    assert len(alt_text(caption)) <= LONGEST
    assert len(alt_text("x" * 500)) == LONGEST
    assert alt_text(caption, longest=None) == f"D{caption[1:]}."
    fits = "a" * (LONGEST - 1)
    assert alt_text(fits) == "A" + fits[1:] + "."


@given(st.text())
def test_alt_text_is_one_line_of_limited_length_and_settles(caption: str):
    text = alt_text(caption)
    assert len(text) <= LONGEST + 2  # a capital may be longer than its letter
    assert text == " ".join(text.split())
    assert text.isprintable() or not caption.isprintable()
