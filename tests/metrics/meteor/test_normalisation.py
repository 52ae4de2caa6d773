from __future__ import annotations

import pytest

from seetell.metrics.meteor.words import Normaliser

NORMALISER = Normaliser.from_lines(["# comment", "", "vs", "Mr", "e.g", "pp #NUMERIC_ONLY#"])


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("", ""),
        ("a dog runs", "a dog runs"),
        ("black-and-white t-shirt -a a-", "black and white t shirt -a a-"),
        ("and/or -lrb- (x)", "and / or -lrb- ( x )"),
        ("the dog 's it does n't don't", "the dog ' s it does n 't don 't"),
        ("1's 1'b '70s s' ''", "1 's 1'b ' 70s s ' \""),
        ("u.s. p.m. u.s", "us pm u.s"),
        ("vs. Mr. mr. 5 end.", "vs. mr. mr . 5 end ."),
        ("pp. 5 pp. five pp.", "pp. 5 pp. five pp ."),
        ("5. x", "5. x"),
        ("wait... a..b .....", "wait ... a .. b ....."),
        ("1,000 a,b 1,b b,1", "1,000 a , b 1 , b b , 1"),
        ("“hi” `so’ – --", "\" hi \" ' so ' - -"),
        ("Café ÉCOLE", "café école"),
        ("日本 🐶🐶", "日 本 🐶 🐶"),
        ("a\u00a0b c\u3000d", "a b c d"),
    ],
)
def test_words(tokens: str, words: str):
    assert NORMALISER.words(tokens.split(" ")) == tuple(words.split())


def test_prefixes_are_read():
    assert NORMALISER.prefixes == {"vs", "Mr", "e.g"}
    assert NORMALISER.prefixes_of_numbers == {"pp"}
