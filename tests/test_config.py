from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from seetell.config import build_config, parse_settings, set_field
from seetell.errors import UsageError


@dataclass(frozen=True)
class Point:
    x: int = 0
    y: int = 0


@dataclass(frozen=True)
class Line:
    start: Point
    end: Point = field(default_factory=lambda: Point(5, 6))


@dataclass(frozen=True)
class Drawing:
    line: Line = Line(Point(1, 2))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("a=1", 1),
        ("a=1e-3", 1e-3),
        ("a=true", True),
        ("a=null", None),
        ("a=", ""),
        ("a=x=y", "x=y"),
        ("a=runs/one", "runs/one"),
        ("a=[2, 5]", [2, 5]),
        ("a=[runs/a, runs/b]", ["runs/a", "runs/b"]),
        ('a={"b": 1}', {"b": 1}),
    ],
)
def test_values_of_settings(setting, value):
    assert parse_settings([setting]) == {"a": value}


def test_a_setting_without_value():
    with pytest.raises(UsageError, match=r"--set beam_size: expected key=value"):
        parse_settings(["beam_size"])


def test_nested_fields_are_set():
    content = {"a": {"b": 1}}
    set_field(content, "a.c.d", 2)
    set_field(content, "e", 3)
    assert content == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    with pytest.raises(UsageError, match="'b' has no fields of its own"):
        set_field(content, "a.b.c", 1)


def test_a_part_that_is_given_in_part_is_by_default_what_its_owner_wants():
    assert build_config(Line, {"start": {"x": 3}, "end": {"x": 7}}) == Line(Point(3, 0), Point(7, 6))
    assert build_config(Drawing, {"line": {"start": {"y": 9}}}) == Drawing(Line(Point(1, 9), Point(5, 6)))
