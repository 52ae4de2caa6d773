from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seetell.data.splits import assign_splits, split_named


@pytest.mark.parametrize(
    ("name", "split"),
    [("restval", "train"), (" Train ", "train"), ("dev", "val"), ("validation", "val"), ("TEST", "test"), ("x", None)],
)
def test_split_named(name: str, split: str | None):
    assert split_named(name) == split


@pytest.mark.slow
def test_shares_are_as_asked_and_reproducible():
    ids = list(range(20_000))
    splits = assign_splits(ids, seed=3, val_fraction=0.2, test_fraction=0.05)
    counts = Counter(splits)
    assert counts["val"] == pytest.approx(4000, abs=200)
    assert counts["test"] == pytest.approx(1000, abs=120)
    assert splits == assign_splits(ids, seed=3, val_fraction=0.2, test_fraction=0.05)
    assert splits != assign_splits(ids, seed=4, val_fraction=0.2, test_fraction=0.05)


def test_adding_photos_moves_no_other():
    ids = [f"{number}.jpg" for number in range(500)]
    before = dict(zip(ids, assign_splits(ids), strict=True))
    more = [f"new-{number}.jpg" for number in range(300)] + ids[::-1]
    after = dict(zip(more, assign_splits(more), strict=True))
    assert before == {photo_id: after[photo_id] for photo_id in ids}


@given(st.integers(10, 60), st.integers(0, 10_000), st.sampled_from([(0.1, 0.1), (0.02, 0.02), (0.5, 0.49), (0.1, 0)]))
def test_no_wanted_split_is_empty(count: int, seed: int, fractions: tuple[float, float]):
    splits = assign_splits(range(count), seed=seed, val_fraction=fractions[0], test_fraction=fractions[1])
    assert {"train", "val"} <= set(splits)
    assert ("test" in splits) == (fractions[1] > 0)


def test_fewer_than_ten_are_not_divided():
    assert assign_splits(range(9)) == ["train"] * 9
    assert "val" in assign_splits(range(10))
