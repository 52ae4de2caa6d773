from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seetell.bulk.places import Places

KEYS = st.integers(1, 2**64 - 1) | st.integers(1, 5).map(lambda low: low + (7 << 32))  # some share a slot
NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(KEYS, NUMBERS)))
def test_it_says_what_a_dictionary_says(entries: list[tuple[int, int]]):
    places, expected = Places(), {}
    for key, number in entries:
        places[key] = number
        expected[key] = number
    assert len(places) == len(expected)
    assert all(places.get(key) == number for key, number in expected.items())
    assert places.get(2**40) is expected.get(2**40)


def test_it_grows():
    places = Places()
    for key in range(1, 1501):
        places[key * 2**20] = -key
    assert len(places) == 1500
    assert all(places.get(key * 2**20) == -key for key in range(1, 1501))
    assert places.get(1501 * 2**20) is None
