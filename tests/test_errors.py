from __future__ import annotations

from seetell.errors import unknown


def test_unknown_names_are_told_with_the_known_ones():
    told = unknown("colour", "gren", ["red", "green"])
    assert told == "unknown colour 'gren'. Did you mean 'green'? Known: green, red."
    assert unknown("colour", "x", []) == "unknown colour 'x'. Known: none."
    assert unknown("colour", "rot", ["red"], renamed={"rot": "red"}) == "unknown colour 'rot': it is now called 'red'."


def test_of_very_many_names_the_nearest_are_told():
    told = unknown("class", "tabby cat", ["tabby", "tiger cat", *(f"class {number}" for number in range(998))])
    assert told.startswith("unknown class 'tabby cat'. Did you mean 'tabby'? Known: tabby, tiger cat, class ")
    assert told.endswith(", and 990 more.")
    assert len(told) < 300
