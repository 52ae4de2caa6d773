from __future__ import annotations

from seetell.bulk.items import Item
from seetell.bulk.ledger import Ledger


def named(*images: str) -> list[Item]:
    return [Item(image) for image in images]


def ledger(*images: str) -> Ledger:
    made = Ledger()
    for item in named(*images):
        assert made.add_row(item)
    return made


def test_what_has_no_row_is_pending_once_with_its_place():
    held = ledger("b", "d")
    assert list(held.pending(named("a", "b", "c", "a", "d"))) == [(0, Item("a")), (2, Item("c"))]
    assert [held.position(item) for item in named("a", "b", "c", "d", "e")] == [0, 1, 2, 3, None]


def test_counting_before_changes_nothing():
    held = ledger("b")
    assert held.count(named("a", "b", "b", "c")) == (3, 2)
    assert list(held.pending(named("a", "b", "b", "c", "later"))) == [
        (0, Item("a")),
        (2, Item("c")),
        (3, Item("later")),
    ]


def test_the_rest_of_an_interrupted_run_is_in_order():
    held = ledger("a", "gone", "b")
    for position, _ in held.pending(named("a", "b", "c", "d")):
        held.written(position)
    assert held.in_order
    assert held.rows == 5


def test_what_comes_before_a_row_is_not():
    held = ledger("b")
    list(held.pending(named("a", "b")))
    assert not held.in_order


def test_rows_in_another_order_than_the_input_are_not():
    held = ledger("a", "b")
    list(held.pending(named("b", "a")))
    assert not held.in_order


def test_results_that_overtake_others_are_not():
    held = ledger()
    list(held.pending(named("a", "b")))
    held.written(1)
    assert held.in_order
    held.written(0)
    assert not held.in_order


def test_a_row_of_an_item_that_has_one_is_told():
    held = ledger("a")
    assert not held.add_row(Item("a"))
    assert (held.has_row(Item("a")), held.has_row(Item("b"))) == (True, False)
