from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.language.tokenizer import tokenize

FIXTURE = Path(__file__).parent / "fixtures" / "penn_treebank.json"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A Dog runs .", "a dog runs"),
        ("It doesn't, can't, won't: they're here; I'd stay.", "it does n't ca n't wo n't they 're here i 'd stay"),
        ("The dog's toy, the boys' ball", "the dog 's toy the boys ball"),
        ("cannot gonna wanna gotta gimme lemme", "can not gon na wan na got ta gim me lem me"),
        ("'Tis rock 'n' roll at ten o'clock, ma'am", "'t is rock 'n' roll at ten o'clock ma'am"),
        ("O'Brien in the '60s and 1990's", "o'brien in the '60s and 1990 's"),
        ("a black-and-white T-shirt - half--done -", "a black-and-white t-shirt half done"),
        ("his/her bike w/ a/b/c/d", "his/her bike w / a/b/c / d"),
        ("Wait... what.. no. . . end…", "wait what no end"),
        ("What?! Really? No!!!", "what ?! really no !!!"),
        ("$5.50 5$ €10 £3 5¢ 10%", "$ 5.50 5 $ $ 10 # 3 5 cents 10 %"),
        ("1,000 people at 10:30am, -5 or 1/2, .5", "1,000 people at 10:30 am -5 or 1/2 .5"),
        ("the 1st, 22nd and 4x4; 1.5-inch", "the 1st 22nd and 4x4 1.5-inch"),
        ("Mr. Smith of St. Louis, U.S.A. at 5 p.m. etc.", "mr. smith of st. louis u.s.a. at 5 p.m. etc."),
        ("No. 5 says no. Mon. is cold.", "no. 5 says no mon. is cold"),
        ("Wash. State will wash. A plan B. The end", "wash. state will wash a plan b the end"),
        ("\"double\" 'single' “curly” ‘curly’ ``back''", "double single curly curly back"),
        ("it’s — not – don’t", "it 's not do n't"),
        ("(round) [square] {curly}", "-lrb- round -rrb- -lsb- square -rsb- -lcb- curly -rcb-"),
        ("AT&T at&t rock&roll", "at&t at & t rock & roll"),
        ("see www.example.org or me@example.org , shirt.The", "see www.example.org or me@example.org shirt.the"),
        ("number #23 with a #tag", "number # 23 with a #tag"),
        ("c++ and c# = **bold** a_b", "c++ and c# = ** bold ** a_b"),
        ("two\nlines\tand  blanks\r\n", "two lines and blanks"),
        ("naïve café CAFE\u0301 Straße", "naïve café cafe\u0301 straße"),
        ("犬、公園。 Привет, мир हिन्दी", "犬 、 公園 。 привет мир हिन्दी"),
        ("a 😀 dog\u200b!", "a dog"),
        ("soft\u00adhyphen", "softhyphen"),
        ("ஒரு கோழி மௌனம்", "ஒரு கோழி மௌனம்"),
        ("c'est C'est c’est", "c'est c'est c’est"),
        ("", ""),
        (" \n ... - '' ! ", ""),
    ],
)
def test_words_of(text: str, words: str):
    assert tokenize(text) == words.split()


@pytest.mark.parametrize(("line", "tokens"), json.loads(FIXTURE.read_text(encoding="utf-8")).items())
def test_agrees_with_the_reference_on_hostile_lines(line: str, tokens: str):
    assert tokenize(line) == tokens.split()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("one\rtwo\x0bthree\x0cfour\u2028five\u2029six\nseven", "one two three four five six seven"),
        ("a walk to the St.", "a walk to the st."),
        ("This is plan B.", "this is plan b."),
        ("A smile :)", "a smile :-rrb-"),
        ("http://\U0001f600", "http://\U0001f600"),
        ("call (650) 123-4567", "call -lrb-650-rrb- 123-4567"),
    ],
)
def test_captions_are_independent_and_tokens_contain_no_white_space(text: str, words: str):
    assert tokenize(text) == words.split()


ALPHABET = "aAbdlmnostT019 .,'\u2019`\"-_/:;!?&@#$%()<>=+*\u2026\u2014\u00e9\u0301\u00bd\u00ad\U0001f600\t\n"


@pytest.mark.slow
@given(st.text(max_size=80) | st.text(ALPHABET, max_size=60))
def test_words_are_lower_case_and_hold_no_white_space(text: str):
    for word in tokenize(text):
        assert word == word.lower()
        assert word.split() == [word]


@pytest.mark.slow
@given(*[st.text(ALPHABET.replace("<", ""), max_size=40)] * 2)
def test_only_a_tag_reaches_further_than_its_neighbour(first: str, second: str):
    assert tokenize(f"{first} word \u00b6 word {second}") == [
        *tokenize(f"{first} word"),
        "\u00b6",
        *tokenize(f"word {second}"),
    ]


@pytest.mark.slow
@given(st.lists(st.sampled_from(["does", "n't", "'s", "-lrb-", "p.m.", "mr.", "t-shirt", "1/2", "??", "at", "&"])))
def test_words_stay_what_they_are(words: list[str]):
    assert tokenize(" ".join(words)) == words


@pytest.mark.parametrize(
    ("piece", "count"),
    [
        ("a", 1),
        ("a ", 5000),
        ("a.", 1),
        ("a-", 1),
        ("1,", 1),
        ("'", 0),
        ("(", 5000),
        ("<a ", 10000),
        ("@", 1),
        ("\u0301", 1),
        ("\n", 0),
        ("don't ", 10000),
        ("<!a", 10000),
        ("%.", 5000),
        ("1.a.", 10000),
    ],
)
def test_very_long_texts_take_linear_time(piece: str, count: int):
    assert len(tokenize(piece * 5000)) == count
