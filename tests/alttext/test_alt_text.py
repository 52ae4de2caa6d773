from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.alttext.alt_text import LONGEST, alt_text, is_worthless


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


def test_quotations_that_are_cut_are_closed():
    assert alt_text("the words “one two three four”", longest=25) == "The words “one two…”"
    assert alt_text("the words “one two three four”", longest=26) == "The words “one two three…”"
    assert alt_text("a “stop” sign beside a long road", longest=20) == "A “stop” sign…"


@pytest.mark.slow
@given(st.text())
def test_alt_text_is_one_line_of_limited_length_and_settles(caption: str):
    text = alt_text(caption)
    assert len(text) <= LONGEST + 2  # a capital may be longer than its letter
    assert text == " ".join(text.split())
    assert text.isprintable() or not caption.isprintable()


@pytest.mark.parametrize(
    "alt",
    [
        "IMG_2031.JPG", "DSC01234", "img-20230101", "dog.png", "photos/dog.webp", "image", "Image 3", "image001",
        "Photo.", "picture", "alt text", "Alt", "untitled", "placeholder", "3", "2023-01-01 12.30.00", " ", "-",
        "image of", "[image]",
        "Screenshot 2023-01-01", "undefined", "P1010203", "dog-park_2", "Foto", "画像",
    ],
)  # fmt: skip
def test_alt_text_that_says_nothing(alt: str):
    assert is_worthless(alt, ["img/dog-park_2.jpg?v=1"])


@pytest.mark.parametrize(
    "alt",
    [
        "",
        "a dog",
        "Rex",
        "dog",
        "image of a dog",
        "photo by Ann",
        "Ann",
        "1984, the book",
        "icon of the town",
        "犬",
        "IBM",
    ],
)
def test_alt_text_that_says_something(alt: str):
    assert not is_worthless(alt, ["img/dog.jpg"])
