from __future__ import annotations

import pytest

from seetell.language.counts import counted
from seetell.language.object_names import CLASSES


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], ""),
        (["dog"], "1 dog"),
        (["dog", "person", "person", "person"], "3 people, 1 dog"),
        (["bus", "knife", "bus", "knife"], "2 buses, 2 knives"),
        (["wine glass"] * 2 + ["sheep"] * 2 + ["mouse"] * 2, "2 wine glasses, 2 sheep, 2 mice"),
        (["skis", "scissors", "scissors"], "2 pairs of scissors, 1 pair of skis"),
        (["", " ", " "], "2  , 1 "),
        (["a cow", "the cow", "cow"], "3 cows"),
        (["the trees", "the trees", "a tree", "a man"], "2 trees, 1 tree, 1 man"),
        (["the trees", "people", "a bus", "a bus", "a glass"], "2 buses, trees, people, 1 glass"),
        (["a large group of people"] * 2 + ["an oar"], "2 large groups of people, 1 oar"),
        (["sheep"], "1 sheep"),
    ],
)
def test_counts_in_words(names: list[str], told: str):
    assert counted(names) == told


def test_every_class_of_coco_has_a_plural():
    forms = [counted([name] * 2).removeprefix("2 ").removeprefix("pairs of ") for name in CLASSES]
    assert len(set(forms)) == len(CLASSES)
    assert {form for form, name in zip(forms, CLASSES, strict=True) if form == name} == {
        "broccoli",
        "scissors",
        "sheep",
        "skis",
    }
