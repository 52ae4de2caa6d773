from __future__ import annotations

import pytest

from seetell.bulk.items import Item, Shard
from seetell.errors import UsageError

ITEMS = [Item(f"photos/{number}.jpg") for number in range(400)]


def test_shards_are_disjoint_and_together_everything():
    parts = [list(Shard(number, 3).of(ITEMS)) for number in (1, 2, 3)]
    assert sorted(item for part in parts for item in part) == sorted(ITEMS)
    assert all(80 < len(part) < 190 for part in parts)
    assert list(Shard().of(ITEMS)) == ITEMS


def test_an_item_stays_in_its_shard_when_others_are_added():
    before = set(Shard(2, 4).of(ITEMS[::2]))
    assert before <= set(Shard(2, 4).of(ITEMS))


def test_a_key_is_of_image_and_text():
    keys = {item.key for item in (Item("a.jpg"), Item("b.jpg"), Item("a.jpg", "a dog"), Item("a.jpg", "a cat"))}
    assert len(keys) == 4
    assert Item("a\udcff.jpg").key == Item("a\\udcff.jpg").key  # as formats without such names write it


def test_what_a_row_was_made_for():
    row = {"image": "a.jpg", "sentence": "a dog", "score": 1}
    assert Item.of(row, "sentence") == Item("a.jpg", "a dog")
    assert Item.of(row, "") == Item("a.jpg")


@pytest.mark.parametrize("text", ["2", "0/3", "4/3", "1/0", "a/b", "-1/2", ""])
def test_other_parts_are_refused(text: str):
    with pytest.raises(UsageError, match="expected a part"):
        Shard.parse(text)
    assert Shard.parse("2/8") == Shard(2, 8)
