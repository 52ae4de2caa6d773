from __future__ import annotations

import pytest

from seetell.config import parse_settings, set_field
from seetell.errors import UsageError


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
