from __future__ import annotations

import numpy as np
import pytest

from seetell.explain.neurons import (
    correlations,
    feature_of,
    find_neurons,
    inside_brackets,
    inside_quotes,
    place_in_line,
)


def marked(text: str, inside: np.ndarray) -> str:
    return "".join("^" if here else "." for here in inside)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a "b c" d', "..^^^^..."),
        ("don't 'say' it", "......^^^^...."),  # an apostrophe quotes nothing
        ("'tis so", "......."),
        ('a "b\\" c" d', "..^^^^^^..."),
        ("'\"' \"'\"", "^^..^^."),
        ('"""a\n\n"b" c""" d', "^^^^^^^^^^^....."),
        ('"a\n\nb', "^^..."),
        ("“a „b” c", "^^^^^..."),
        ("«a» b", "^^..."),
    ],
)
def test_where_quotations_are_open(text: str, expected: str):
    assert marked(text, inside_quotes(text)) == expected


def test_where_brackets_are_open():
    text = "f(a[1], {b}) )(\nc\n\nd"
    assert marked(text, inside_brackets(text)) == ".^^^^^^^^^^...^^^^.."


def test_places_in_lines():
    assert place_in_line("ab\n\nc").tolist() == [1, 2, 0, 0, 1]


def test_correlations_are_pearsons():
    random = np.random.default_rng(0)
    activations = random.normal(size=(50, 2, 3)).astype(np.float32)
    activations[:, 1, 2] = 0.5
    wanted = random.normal(size=50)
    found = correlations(activations, wanted)
    assert found[0, 1] == pytest.approx(np.corrcoef(activations[:, 0, 1], wanted)[0, 1])
    assert found[1, 2] == 0


def test_the_cell_that_follows_quotes_is_found():
    text = 'a "b c" d "e" ' * 5
    said = np.random.default_rng(0).normal(0, 0.1, (len(text), 2, 4))
    said[:, 1, 2] = -1.0 * inside_quotes(text)  # the opposite is as good
    wanted = feature_of(text, "quotes")
    assert wanted is not None
    best, *_ = find_neurons(said, wanted, count=2)
    assert (best.layer, best.number) == (2, 3)
    assert best.correlation == pytest.approx(-1)


def test_a_feature_that_is_the_same_everywhere_is_none():
    assert feature_of("ab", "brackets") is None
    assert feature_of("(((", "brackets") is None
    assert feature_of("", "line") is None
    assert feature_of("a(b", "brackets").tolist() == [0, 1, 1]
